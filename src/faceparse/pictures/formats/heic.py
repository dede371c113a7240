"""HEIC and other HEIF, through pillow-heif where it is installed."""

from __future__ import annotations

from typing import IO

import numpy as np

from faceparse.errors import ImageError
from faceparse.pictures.formats.avif import AVIF_BRANDS
from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.isobmff import brands
from faceparse.pictures.formats.pixels import Raster

_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}
)


def _open(file: IO[bytes]) -> Opened:
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            "it is HEIC, which needs pillow-heif, which is not installed: pip install 'faceparse[heic]'"
        ) from None
    # Turned by libheif as the container tells; the camera's EXIF does not count besides that.
    image = pillow_heif.open_heif(file, convert_hdr_to_8bit=True)
    width, height = image.size

    def load() -> Raster:
        pixels = np.asarray(image)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels

    return Opened((height, width), load)


HEIC = Format(
    "HEIC",
    (".heic", ".heif", ".hif"),
    lambda head: bool(_BRANDS & (b := brands(head))) and not b & AVIF_BRANDS,
    _open,
)
