"""PNG of 1 to 16 bits, with palette, alpha or a transparent colour; of an animation its default image."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from PIL.PngImagePlugin import PngImageFile

from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.orientation import from_exif, from_xmp
from faceparse.pictures.formats.pieces import Piece, length_of, pieced, read_at
from faceparse.pictures.formats.pixels import Raster

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_METADATA = 1 << 20
"""Longest chunk that is searched for an orientation, in bytes, also when unpacked."""


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    stop: int


def _open(file: IO[bytes]) -> Opened:
    pieces: list[Piece] = [_SIGNATURE]
    orientation = 1
    for kind, start, stop in _chunks(file):
        if kind in _PIXELS or kind[:1].isupper():  # what is critical and unknown, Pillow is to refuse
            pieces.append((start, stop))
        elif orientation == 1 and stop - start < _METADATA:
            orientation = _orientation(kind, read_at(file, start + 8, stop - start - 12))
    sixteen = read_at(file, 24, 1) == b"\x10"
    image = PngImageFile(pieced(file, pieces))

    def load() -> Raster:
        clear = image.info.get("transparency")
        if sixteen and isinstance(clear, tuple):  # Pillow keeps the upper 8 bits of pixels
            image.info["transparency"] = tuple(value >> 8 for value in clear)
        return image

    return Opened(image.size[::-1], load, orientation)


def _chunks(file: IO[bytes]) -> Iterator[_Chunk]:
    """The chunks, up to the last; the one that is cut short goes to the file's end."""
    at, end = len(_SIGNATURE), length_of(file)
    while at < end:
        head = read_at(file, at, 8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        stop = min(at + 12 + length, end)
        yield _Chunk(kind, at, stop)
        at = stop


def _orientation(kind: bytes, data: bytes) -> int:
    """What a chunk says of it; 1 where nothing."""
    if kind == b"eXIf":
        return from_exif(data)
    if kind == b"iTXt" and data.startswith(b"XML:com.adobe.xmp\0\0"):
        return from_xmp(data)
    if kind in (b"zTXt", b"tEXt") and data.startswith(b"Raw profile type "):  # as ImageMagick wrote it
        return _from_raw_profile(kind, data)
    return 1


def _from_raw_profile(kind: bytes, data: bytes) -> int:
    """EXIF data in hexadecimal digits, after a line of their kind and one of their number."""
    _, _, text = data.partition(b"\0")
    try:
        if kind == b"zTXt":
            text = zlib.decompressobj().decompress(text[1:], _METADATA)
        return from_exif(bytes.fromhex(text.split(b"\n", 3)[3].decode("ascii")))
    except (zlib.error, ValueError, IndexError):
        return 1


PNG = Format("PNG", (".png", ".apng"), lambda head: head.startswith(_SIGNATURE), _open)
