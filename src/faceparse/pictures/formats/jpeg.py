"""JPEG, also as the first picture of an MPO file: gray, colour, CMYK and YCCK, baseline and progressive.

Decoding stays with Pillow: OpenCV gives the same pixels sooner, but takes a file that is cut short for a
gray lower half, and lets libjpeg write to standard error.
"""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

from PIL.JpegImagePlugin import JpegImageFile

from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.orientation import from_exif, from_xmp
from faceparse.pictures.formats.pieces import Piece, length_of, pieced, read_at

_START_OF_SCAN = 0xDA
_JFIF, _EXIF, _ICC, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
_ALONE = frozenset({0, 1, *range(0xD0, 0xDA)})
"""Markers that nothing belongs to."""
_STEP = 1 << 16
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


class _Segment(NamedTuple):
    marker: int
    start: int
    stop: int


def _open(file: IO[bytes]) -> Opened:
    orientation = 1
    pieces: list[Piece] = [b"\xff\xd8"]
    segments, scan = _segments(file)
    for marker, start, stop in segments:
        if marker == _EXIF:
            data = read_at(file, start + 4, stop - start - 4)
            if data.startswith(b"Exif\0\0"):
                orientation = from_exif(data)
            elif data.startswith(_XMP) and orientation == 1:
                orientation = from_xmp(data)
        elif _needed(marker):
            pieces.append((start, stop))
    image = JpegImageFile(pieced(file, [*pieces, (scan, length_of(file))]))
    return Opened(image.size[::-1], lambda: image, orientation)


def _segments(file: IO[bytes]) -> tuple[list[_Segment], int]:
    """The segments before the first scan, and where that begins. What is between segments is passed over."""
    segments: list[_Segment] = []
    at = 2
    while len(head := read_at(file, at, 4)) == 4:
        if head[0] != 0xFF:
            at += len(_upto_marker(read_at(file, at, _STEP)))
        elif head[1] == _START_OF_SCAN:
            return segments, at
        elif head[1] == 0xFF:  # padding
            at += 1
        elif head[1] in _ALONE:
            at += 2
        else:
            stop = at + 2 + struct.unpack_from(">H", head, 2)[0]
            segments.append(_Segment(head[1], at, stop))
            at = stop
    raise ValueError("cut short before its pixels")


def _upto_marker(data: bytes) -> bytes:
    return data.partition(b"\xff")[0]


def _needed(marker: int) -> bool:
    """Whether decoding needs a segment: tables, frame header, and the application data that tell the colours."""
    application = 0xE0 <= marker <= 0xEF
    return marker in (_JFIF, _ICC, _ADOBE) or not (application or marker == 0xFE)


JPEG = Format(
    "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), lambda head: head[:3] == b"\xff\xd8\xff", _open
)
