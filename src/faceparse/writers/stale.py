"""Files of an earlier run that the new one did not write again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceparse.errors import OutputError
from faceparse.results import Writer
from faceparse.results.png import MADE_BY

HEAD = 128
"""Bytes at a PNG's start that hold the text that tells ours."""


def remove_stale(stem: Path, endings: Sequence[str], written: Sequence[Path]) -> None:
    """Remove the picture's PNGs of these endings that were not just written; a file not ours stays.

    Otherwise a hat that an earlier model saw would lie beside the parts that the present one sees.

    Raises:
        OutputError: one that cannot be removed.
    """
    kept = {path.name for path in written}
    for ending in endings:
        path = Writer.beside(stem, ending)
        if path.name in kept or not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                ours = MADE_BY in file.read(HEAD)
            if ours:
                path.unlink()
        except OSError as error:
            raise OutputError(f"cannot remove {path} of an earlier run: {error.strerror or error}") from error
