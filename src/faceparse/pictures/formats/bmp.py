"""BMP of 1 to 32 bits, run-length coded too."""

from __future__ import annotations

from typing import IO

from PIL.BmpImagePlugin import BmpImageFile

from faceparse.errors import ImageError
from faceparse.pictures.formats.format import Format, Opened

_RUN_LENGTHS = (1, 2)
_LARGEST_CODED = 1 << 24


def _open(file: IO[bytes]) -> Opened:
    image = BmpImageFile(file)
    width, height = image.size
    if image.info.get("compression") in _RUN_LENGTHS and width * height > _LARGEST_CODED:
        # Pillow's decoder is written in Python, and a few bytes may stand for all these pixels.
        raise ImageError(
            f"run-length coded BMP is taken up to {_LARGEST_CODED} pixels, this has {width}×{height}"
        )
    return Opened((height, width), lambda: image)


BMP = Format("BMP", (".bmp",), lambda head: head[:2] == b"BM", _open)
