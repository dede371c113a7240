"""Pictures of every kind that is read, up to four million pixels."""

from __future__ import annotations

import io
import random
import zlib
from pathlib import Path

from PIL.Image import core  # type: ignore[attr-defined]

from faceparse.pictures import read_picture, read_values
from tests.fuzz import target
from tests.pictures.kinds import KINDS, decodes

MAX_PIXELS = 4_000_000
_BLOCK = 1 << 16


class Target(target.Target):
    """Pillow counts the blocks that it allocates."""

    noise = (
        r"^(\w*(Decode\w*|O?JPEG\w*|Fax\w*|LZW\w*|ZIP\w*|TIFF\w*)|tempfile\.tif|Old-style\w*"
        r"|MissingRequired|EstimateStripByteCounts|More samples per pixel).*: "
    )
    most_calls = 400_000  # BMP: Pillow compares 65,536 colours of a palette with gray, four calls for each
    most_bytes = 16 * MAX_PIXELS

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.inputs = {k.name: k.make() for k in KINDS if decodes(k.needs)}
        core.set_blocks_max(0)
        core.set_block_size(_BLOCK)

    def mutant(self, chance: random.Random, name: str) -> bytes:
        data = super().mutant(chance, name)
        return with_checksums(data) if chance.random() < 0.7 else data

    def allowed_calls(self, data: bytes) -> int:
        """Two more for each pixel of run-length coded BMP: Pillow's decoder is Python and fills rows pixel by pixel."""
        coded = data[:2] == b"BM" and data[30:31] in (b"\1", b"\2")
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
        return super().allowed_calls(data) + coded * 2 * min(abs(width * height), MAX_PIXELS)

    def read(self, name: str, data: bytes) -> None:
        core.reset_stats()
        try:
            self.decode(data)
        finally:
            self.size = int(core.get_stats()["allocated_blocks"]) * _BLOCK

    def decode(self, data: bytes) -> None:
        if len(data) % 4:
            image = read_picture(io.BytesIO(data) if len(data) % 2 else data, max_pixels=MAX_PIXELS)
            assert image.shape[2] == 3
            assert image.size <= 3 * MAX_PIXELS
        else:
            values = read_values(data, max_pixels=MAX_PIXELS)
            assert values.width * values.height <= MAX_PIXELS


def with_checksums(data: bytes) -> bytes:
    """A PNG with right checksums again, lest all damage ends there; anything else as it is."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return data
    result, at = bytearray(data), 8
    while at + 12 <= len(data):
        stop = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if stop + 4 > len(data):
            break
        result[stop : stop + 4] = zlib.crc32(data[at + 4 : stop]).to_bytes(4, "big")
        at = stop + 4
    return bytes(result)
