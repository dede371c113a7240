"""Output forms by name, as `faceparse parse --save` accepts them; each form is one file in `writers/forms`.

>>> sorted(writers(["mask", "overlay"]))
['mask', 'overlay']
"""

from __future__ import annotations

from pathlib import Path

from faceparse.files import make_folder
from faceparse.results import Parsing
from faceparse.writers.options import read_options
from faceparse.writers.outlines import polygons
from faceparse.writers.registry import WRITERS, register, writers
from faceparse.writers.writer import FileWriter, PictureWriter, Writer

__all__ = [
    "WRITERS",
    "FileWriter",
    "PictureWriter",
    "Writer",
    "polygons",
    "read_options",
    "register",
    "write",
    "writers",
]


def write(parsing: Parsing, name: str, stem: str | Path, **options: object) -> tuple[Path, ...]:
    """Write one output form of a parsing.

    >>> write(parsing, "soft", "out/photo", bits=16, classes=("hair", "lips"))  # doctest: +SKIP
    (PosixPath('out/photo_soft_hair.png'), PosixPath('out/photo_soft_lips.png'))

    Args:
        parsing: The parsing to write.
        name: The output form, as `--save` accepts it: `mask`, `soft`, `json` …
        stem: Path that the file names begin with; a missing folder is created.
        options: Options of the output form, by name.

    Returns:
        The paths of the files written.

    Raises:
        ConfigError: an unknown form or option, or a value out of range.
        LabelError: a class or group that the parsing's scheme lacks.
        OutputError: a file that cannot be written.
    """
    writer = writers([name], options)[name]
    writer.check(parsing.scheme)
    stem = Path(stem)
    make_folder(stem.parent)
    return writer.write(parsing, stem)
