"""JPEG, also as the first picture of an MPO file: gray, colour, CMYK and YCCK, baseline and progressive.

Decoding stays with Pillow: OpenCV gives the same pixels, a third faster, but takes a file that is cut short for a
gray lower half, and lets libjpeg write to standard error.
"""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

from PIL.JpegImagePlugin import JpegImageFile

from faceparse.runtime.formats.format import Format, Opened
from faceparse.runtime.formats.orientation import from_exif, from_xmp
from faceparse.runtime.formats.pieces import Piece, length_of, pieced, read_at

_START_OF_SCAN = 0xDA
_JFIF, _EXIF, _ICC, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
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
    """The segments before the first scan, and where they end: there, or where none follows any more."""
    segments: list[_Segment] = []
    at = 2
    while True:
        head = read_at(file, at, 4)
        while head.startswith(b"\xff\xff"):  # padding
            at += 1
            head = read_at(file, at, 4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0, _START_OF_SCAN):
            return segments, at
        if 0xD0 <= head[1] <= 0xD9 or head[1] == 1:  # stand-alone markers
            at += 2
            continue
        stop = at + 2 + struct.unpack_from(">H", head, 2)[0]
        segments.append(_Segment(head[1], at, stop))
        at = stop


def _needed(marker: int) -> bool:
    """Whether decoding needs a segment: tables, frame header, and the application data that tell the colours."""
    application = 0xE0 <= marker <= 0xEF
    return marker in (_JFIF, _ICC, _ADOBE) or not (application or marker == 0xFE)


JPEG = Format(
    "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), lambda head: head[:3] == b"\xff\xd8\xff", _open
)
