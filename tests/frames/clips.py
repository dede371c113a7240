"""Tiny videos, made in the test."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

av = pytest.importorskip("av", reason="no PyAV: pip install 'faceparse[video]'")

Pixels = NDArray[np.uint8]


def pictures(count: int = 6, height: int = 48, width: int = 64) -> list[Pixels]:
    """A bright square that moves to the right over a coloured ground."""
    made = []
    for i in range(count):
        image = np.full((height, width, 3), (180, 120, 40), np.uint8)
        image[8:24, 4 + 4 * i : 20 + 4 * i] = (20, 220, 240)
        made.append(image)
    return made


def clip(
    path: Path,
    images: Iterable[Pixels],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: int = 10,
    times: Sequence[float] | None = None,
    matrix: int = 1,
    colour_range: int = 1,
    rotation: int = 0,
    sound: str | None = None,
    options: dict[str, str] | None = None,
    tag: int | None = None,
) -> Path:
    """Write a video; `matrix`, its `tag` and `colour_range` are FFmpeg's numbers, `sound` an audio codec."""
    images = list(images)
    height, width = images[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"bf": "0", "crf": "4", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_range = matrix if tag is None else tag, colour_range
        context.time_base = unit = Fraction(1, rate if times is None else 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        noise = container.add_stream(sound, rate=48000) if sound else None
        space = {1: 1, 6: 5, 9: 9}[matrix]
        for i, image in enumerate(images):
            one = av.VideoFrame.from_ndarray(image, "rgb24").reformat(
                format=pix_fmt, dst_colorspace=space, dst_color_range=colour_range or 1
            )
            one.pts, one.time_base = i if times is None else round(1000 * times[i]), unit
            one.colorspace = matrix if tag is None else tag
            container.mux(stream.encode(one))
        container.mux(stream.encode(None))
        if noise is not None:
            for i in range(round(48000 * len(images) / rate) // 1024):
                samples = np.random.default_rng(i).normal(0, 0.1, (1, 1024)).astype(np.float32)
                heard = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
                heard.sample_rate, heard.pts, heard.time_base = 48000, 1024 * i, Fraction(1, 48000)
                container.mux(noise.encode(heard))
            container.mux(noise.encode(None))
    return path
