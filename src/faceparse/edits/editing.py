"""Apply a list of edits to a picture."""

from __future__ import annotations

from collections.abc import Iterable

from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Pixels
from faceparse.edits.registry import Step, make_edits
from faceparse.errors import ConfigError
from faceparse.results import Parsing


def edit(parsing: Parsing, edits: Iterable[Step], picture: Pixels | None = None) -> Pixels:
    """Return the picture after several edits, applied in order; every edit uses the masks of the original picture.

    >>> import faceparse
    >>> parsing = faceparse.parse("photo.jpg")  # doctest: +SKIP
    >>> faceparse.edit(parsing, [("hair", "#a0522d", {"strength": 0.6}), "soften"])  # doctest: +SKIP

    `anonymise` leaves a picture in which no face is found as it is: parse with `no_face="fail"` to get an error instead.

    Args:
        parsing: The picture's parsing.
        edits: Each a text as on the command line, (name, value), (name, value, options) or an `Edit`;
            `faceparse edit --list` shows the names.
        picture: RGB or RGBA, uint8 or uint16, of the parsing's size, to edit in place of `parsing.image`.

    Returns:
        RGB, H × W × 3, of the picture's type; RGBA, H × W × 4, if the picture is RGBA or an edit makes it transparent.

    Raises:
        ConfigError: no parsing; no list of edits; an unknown edit or option, or a value that the option does not accept.
        LabelError: the parsing's scheme lacks a class that an edit needs.
        ResultError: `picture` has another size, shape or type.
    """
    if not isinstance(parsing, Parsing):
        raise ConfigError(
            f'edit takes a parsing, as faceparse.parse("photo.jpg") returns it; got {type(parsing).__name__}'
        )
    canvas, steps = Canvas(parsing, picture), make_edits(edits)
    canvas.prepare(step.mask for step in steps)
    for step in steps:
        step.apply(canvas)
    return canvas.picture
