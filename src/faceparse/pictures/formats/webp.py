"""WebP, lossy and lossless, with alpha; the first picture of an animation.

Still ones are decoded by OpenCV, to the same pixels as Pillow's (libwebp both times): Pillow takes them for
animations of one picture, which are held several times over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

import cv2
import numpy as np
from PIL.WebPImagePlugin import WebPImageFile

from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.orientation import from_exif, from_xmp
from faceparse.pictures.formats.pieces import length_of, pieced, read_at
from faceparse.pictures.formats.pixels import Raster

_ANIMATED = 2
_SHORTEST = 32
"""Bytes; fewer make OpenCV speak on standard error."""


def _open(file: IO[bytes]) -> Opened:
    orientation, animated = 1, False
    size = None
    for kind, start, stop in _chunks(file):
        if kind == b"VP8X":
            flags, width, height = _extended(read_at(file, start + 8, 10))
            animated = bool(flags & _ANIMATED)
            size = height, width
        elif kind in (b"VP8 ", b"VP8L"):
            size = size or _size(kind, read_at(file, start + 8, 10))
        elif kind == b"EXIF":
            orientation = from_exif(read_at(file, start + 8, stop - start - 8))
        elif kind == b"XMP " and orientation == 1:
            orientation = from_xmp(read_at(file, start + 8, stop - start - 8))
    if size is None:
        raise ValueError("there is no picture in it")
    return Opened(size, lambda: _animation(file) if animated else _still(file), orientation)


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    at, end = 12, length_of(file)
    while at + 8 <= end:
        kind, length = struct.unpack("<4sI", read_at(file, at, 8))
        yield kind, at, min(at + 8 + length, end)
        at += 8 + length + length % 2


def _extended(data: bytes) -> tuple[int, int, int]:
    flags, width, height = data[0], data[4:7], data[7:10]
    return flags, int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1


def _size(kind: bytes, data: bytes) -> tuple[int, int]:
    """Height and width, as the coded picture's own header tells them."""
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 1)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 6)
    return height & 0x3FFF, width & 0x3FFF


def _still(file: IO[bytes]) -> Raster:
    data = read_at(file, 0, -1)
    if len(data) < _SHORTEST:
        raise ValueError("cut short")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("broken data stream")
    code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code, dst=image), np.uint8)


def _animation(file: IO[bytes]) -> Raster:
    return WebPImageFile(pieced(file, [(0, length_of(file))]))


WEBP = Format("WebP", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _open)
