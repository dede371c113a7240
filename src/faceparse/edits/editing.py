"""A list of edits, applied."""

from __future__ import annotations

from collections.abc import Iterable

from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Pixels
from faceparse.edits.registry import Step, make_edits
from faceparse.results import Parsing


def edit(parsing: Parsing, edits: Iterable[Step], picture: Pixels | None = None) -> Pixels:
    """The picture, changed by edits in their order, each by the masks of the picture as it was.

    >>> import faceparse
    >>> parsing = faceparse.parse("photo.jpg")  # doctest: +SKIP
    >>> faceparse.edit(parsing, [("hair", "#a0522d", {"strength": 0.6}), "soften"])  # doctest: +SKIP

    Args:
        parsing: The picture's parsing.
        edits: Names, or (name, value), or (name, value, options), or `Edit` objects; `faceparse edit --list` has them.
        picture: RGB or RGBA in place of the parsing's own picture, of the same size, uint8 or uint16.

    Returns:
        RGB of the same depth, H × W × 3; RGBA, H × W × 4, where the picture has opacity or an edit makes some.

    Raises:
        ConfigError: no such edit or option, or a value that does not fit.
        LabelError: the parsing's scheme lacks a class that an edit needs.
        ResultError: a picture of another size or kind.
    """
    canvas = Canvas(parsing, picture)
    for one in make_edits(edits):
        one.apply(canvas)
    return canvas.picture
