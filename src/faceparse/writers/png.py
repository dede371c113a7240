"""Write PNG in pieces: rows are written as they come, so that no picture need be whole in memory.

Each row is stored as its difference from the row above (PNG's filter "up") and packed by zlib's run-length
mode. With 12 megapixels on one core, Pillow's default level took 2 (label maps) to 9 (photos) times as long,
its files 30 % larger to 28 % smaller; Pillow's lowest level took 1 to 2.4 times as long; OpenCV's default
took 1 to 1.6 times as long, its files up to a third larger, without palettes. Memory decides: for a
12-megapixel cut-out Pillow and OpenCV need the whole picture, 49 and 93 MB, where pieces take 2 MB.

>>> import numpy as np
>>> from pathlib import Path
>>> with open_png(Path("stripes.png"), (2, 3)) as add:  # doctest: +SKIP
...     add(np.zeros((1, 3), np.uint8))
...     add(np.full((1, 3), 255, np.uint8))
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from faceparse.files import atomic

Rows = NDArray[np.unsignedinteger[Any]]
"""Rows of a picture, uint8 or uint16."""

PIECE = 1 << 20
"""Bytes packed at a time."""

MADE_BY = b"Software\0faceparse"
"""PNG text chunk, in every file that faceparse writes, that names the software."""

_KINDS = {1: 0, 3: 2, 4: 6}
"""Channels → PNG's colour type; with a palette the type is 3."""


@contextmanager
def open_png(
    path: Path,
    size: tuple[int, int],
    *,
    channels: int = 1,
    bits: int = 8,
    palette: NDArray[np.uint8] | None = None,
) -> Iterator[Callable[[Rows], None]]:
    """Write a PNG in pieces; yield a function that adds the next rows, from the top. An error leaves no file.

    The rows are n × width, or n × width × channels.

    Args:
        path: The file; an existing file is replaced.
        size: Height and width in pixels.
        channels: 1 for gray, 3 for RGB, 4 for RGBA.
        bits: Bits per channel: 8 (uint8) or 16 (uint16).
        palette: n × 3 uint8 colours, for one channel of 8 bits: pixel values are then indices into the
            palette.

    Raises:
        OutputError: a path that cannot be written.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    above = np.zeros(size[1] * channels * bits // 8, np.uint8)

    def add(rows: Rows) -> None:
        step = max(1, PIECE // above.size)
        for start in range(0, len(rows), step):
            add_piece(rows[start : start + step])

    def add_piece(rows: Rows) -> None:
        nonlocal above
        flat = np.ascontiguousarray(rows, ">u2" if rows.dtype == np.uint16 else np.uint8)
        flat = flat.reshape(len(rows), -1).view(np.uint8)
        filtered = np.empty((len(flat), above.size + 1), np.uint8)
        if palette is None:
            filtered[:, 0] = 2  # PNG's filter "up"
            np.subtract(flat[0], above, out=filtered[0, 1:])
            np.subtract(flat[1:], flat[:-1], out=filtered[1:, 1:])
            above = flat[-1].copy()
        else:  # the difference of two indices has no meaning
            filtered[:, 0] = 0
            filtered[:, 1:] = flat
        if packed := packer.compress(filtered.data):
            _write_chunk(file, b"IDAT", packed)

    with atomic(path, overwrite=True) as temporary, temporary.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        kind = _KINDS[channels] if palette is None else 3
        _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], bits, kind, 0, 0, 0))
        _write_chunk(file, b"tEXt", MADE_BY)
        if palette is not None:
            _write_chunk(file, b"PLTE", palette.tobytes())
        yield add
        _write_chunk(file, b"IDAT", packer.flush())
        _write_chunk(file, b"IEND", b"")


def _write_chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def write_png(path: Path, picture: Rows, palette: NDArray[np.uint8] | None = None) -> None:
    """Write a whole picture, H × W or H × W × 3 or 4, as PNG; see `open_png`."""
    height, width, *channels = picture.shape
    with open_png(
        path, (height, width), channels=(*channels, 1)[0], bits=8 * picture.itemsize, palette=palette
    ) as add:
        add(picture)
