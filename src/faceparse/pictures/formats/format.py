"""What a format is, and what it makes of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from faceparse.pictures.formats.pixels import Raster

HEAD = 64
"""Bytes of a file that tell its format."""


@dataclass(frozen=True)
class Opened:
    """A picture whose header has been read.

    Attributes:
        size: Height and width in pixels, as stored.
        load: Decodes the pixels, or gives a Pillow image that does so when it is used.
        orientation: EXIF's, 1 to 8: how what is stored is to be turned.
    """

    size: tuple[int, int]
    load: Callable[[], Raster]
    orientation: int = 1


@dataclass(frozen=True)
class Format:
    """A way to store pictures.

    Attributes:
        name: As people call it.
        suffixes: Endings of file names, in lower case.
        recognises: Whether a file that begins with these `HEAD` bytes is meant to be of this format.
        open: Reads the header of a file, which must stay open until the pixels are loaded. Raises
            whatever comes of a damaged file.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    open: Callable[[IO[bytes]], Opened]
