"""The container of AVIF and HEIC: boxes of a length, a name of four letters, and what is in them."""

from __future__ import annotations

import struct
from typing import IO

from faceparse.pictures.formats.pieces import Piece, length_of, read_at

_LARGEST_META = 1 << 24


def brands(head: bytes) -> set[bytes]:
    """What a file that begins so says it conforms to, as far as it fits into these bytes; none if it is another."""
    if head[4:8] != b"ftyp" or len(head) < 12:
        return set()
    (length,) = struct.unpack_from(">I", head)
    return {head[8:12], *(head[i : i + 4] for i in range(16, min(length, len(head) - 3), 4))}


def without_exif(file: IO[bytes]) -> list[Piece]:
    """The pieces of the same file with its EXIF item called otherwise, so that nobody reads it."""
    at, end = 0, length_of(file)
    while at + 8 <= end:
        length, kind = struct.unpack(">I4s", read_at(file, at, 8))
        if length == 1:  # 64 bits of length follow
            (length,) = struct.unpack(">Q", read_at(file, at + 8, 8).rjust(8, b"\0"))
        stop = at + length if length >= 8 else end
        if kind == b"meta" and stop <= end and length <= _LARGEST_META:
            meta = read_at(file, at, length).replace(b"Exif", b"none")
            return [(0, at), meta, (stop, end)]
        at = stop
    return [(0, end)]
