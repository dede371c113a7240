"""Videos in six kinds of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceparse.frames import Reader
from tests.frames.clips import clip, pictures
from tests.fuzz import target

KINDS = {
    "mp4": "libx264",
    "mov": "prores_ks",
    "mkv": "ffv1",
    "avi": "mpeg4",
    "ts": "mpeg2video",
    "webm": "libvpx-vp9",
}
PIXELS = {"mov": "yuv422p10le"}


class Target(target.Target):
    """PyAV decodes in one process with the test."""

    noise = "^(warning|note): "
    most_calls = 400_000
    most_bytes = 1 << 28

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.inputs = {}
        for suffix, codec in KINDS.items():
            path = folder / f"whole.{suffix}"
            pixels = PIXELS.get(suffix, "yuv420p")
            clip(
                path,
                pictures(),
                codec=codec,
                pix_fmt=pixels,
                rate=25,
                sound=None if suffix == "webm" else "aac",
            )
            self.inputs[suffix] = path.read_bytes()

    def read(self, name: str, data: bytes) -> None:
        self.size = 0
        path = self.folder / f"damaged.{name}"
        path.write_bytes(data)
        last = -1.0
        for image, time in Reader(path):
            self.size += image.nbytes
            assert image.dtype == np.uint8
            assert image.ndim == 3
            assert last < time < float("inf")
            last = time
