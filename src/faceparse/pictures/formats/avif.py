"""AVIF, 8 to 12 bits, with alpha; the first picture of a sequence."""

from __future__ import annotations

from typing import IO

from faceparse.errors import ImageError
from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.isobmff import brands, without_exif
from faceparse.pictures.formats.orientation import from_exif
from faceparse.pictures.formats.pieces import pieced

AVIF_BRANDS = frozenset({b"avif", b"avis"})


def _open(file: IO[bytes]) -> Opened:
    try:
        from PIL.AvifImagePlugin import SUPPORTED, AvifImageFile
    except ImportError:  # before 11.3
        SUPPORTED = False  # noqa: N806
    if not SUPPORTED:
        raise ImageError("it is AVIF, which this Pillow cannot decode: pip install -U 'pillow>=11.3'")
    image = AvifImageFile(pieced(file, without_exif(file)))
    # Pillow tells the container's own turns as EXIF; the camera's EXIF does not count besides them.
    return Opened(image.size[::-1], lambda: image, from_exif(image.info.get("exif", b"")))


AVIF = Format("AVIF", (".avif",), lambda head: bool(brands(head) & AVIF_BRANDS), _open)
