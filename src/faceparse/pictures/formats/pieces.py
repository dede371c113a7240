"""A file put together from parts of another one, without copying it.

>>> import io
>>> pieced(io.BytesIO(b"abcdefgh"), [b"<", (2, 5), b">"]).read()
b'<cde>'
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import IO, cast

Piece = bytes | tuple[int, int]
"""Bytes, or where a part of the other file begins and ends."""


def pieced(base: IO[bytes], pieces: Iterable[Piece]) -> IO[bytes]:
    """A read-only binary file that consists of the pieces.

    Args:
        base: A seekable binary file; its position is lost.
        pieces: Bytes and parts of the base, which lie within it.
    """
    return cast(IO[bytes], _Pieces(base, [p for p in pieces if _length(p)]))


def length_of(file: IO[bytes]) -> int:
    """Bytes in a seekable file; its position is lost."""
    return file.seek(0, os.SEEK_END)


def read_at(file: IO[bytes], offset: int, size: int) -> bytes:
    """Some bytes of a file, fewer where it ends before."""
    file.seek(offset)
    return file.read(size)


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]


class _Pieces(io.RawIOBase):
    def __init__(self, base: IO[bytes], pieces: Sequence[Piece]) -> None:
        self._base = base
        self._pieces = pieces
        self._ends = list(accumulate(map(_length, pieces)))
        self._length = self._ends[-1] if self._ends else 0
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        stop = self._length if size is None or size < 0 else min(self._at + size, self._length)
        parts = []
        while self._at < stop:
            index = bisect_right(self._ends, self._at)
            part = self._part(index, stop)
            if not part:
                break  # the base has become shorter
            parts.append(part)
            self._at += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _part(self, index: int, stop: int) -> bytes:
        """From here to `stop` or to the end of the piece."""
        piece = self._pieces[index]
        skip = self._at - (self._ends[index] - _length(piece))
        size = min(stop, self._ends[index]) - self._at
        return (
            piece[skip : skip + size]
            if isinstance(piece, bytes)
            else read_at(self._base, piece[0] + skip, size)
        )
