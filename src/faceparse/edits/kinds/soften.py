"""Soften the skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from faceparse.edits.base import Edit, Strength
from faceparse.edits.canvas import Canvas, extent, firm, strips
from faceparse.edits.colour import Floats, Pixels
from faceparse.edits.registry import register

RADIUS = 0.03
"""Radius of the filter's window, as a fraction of the face's longer side."""
FINE = 6
"""Radius of the window in samples: in a wider window only every few pixels are sampled."""
EDGE = 0.1
"""Contrast, 0 to 1, above which a difference is an edge and stays; wrinkles and pores have less."""


@register
@dataclass(frozen=True)
class Soften(Edit):
    """Smooths pores and small marks on skin, nose and neck; eyes, brows, lips, hair and glasses stay as they are.

    The method is a guided filter with the picture as its own guide: Fast Guided Filter, K. He and J. Sun, 2015,
    https://arxiv.org/abs/1505.00996.

    Args:
        strength: 0 (no change) to 1.
    """

    name: ClassVar[str] = "soften"
    needs: ClassVar[tuple[str, ...]] = ("skin", "face")
    mask: ClassVar[tuple[str, ...]] = ("skin", "nose", "neck")
    strength: Strength = 0.6

    def apply(self, canvas: Canvas) -> None:
        mask = firm(canvas.soft(*self.mask)) * np.float32(self.strength)
        box = extent(mask > 0)
        if box is None:
            return
        pixels, weights = canvas.pixels[box], mask[box]
        height, width = weights.shape
        full = np.float32(np.iinfo(pixels.dtype).max)
        radius = max(1, round(RADIUS * canvas.face_side))
        step = max(1, radius // FINE)
        slope, offset = _lines(pixels, radius, step)
        for rows in strips(-(-height // step), width * step):
            size = slope.shape[1] * step, (rows.stop - rows.start + 2) * step
            inner = slice(step, step + min(rows.stop * step, height) - rows.start * step), slice(width)
            factor, summand = (
                cv2.resize(v[rows.start : rows.stop + 2], size, interpolation=cv2.INTER_LINEAR)[inner]
                for v in (slope, offset)
            )
            part = slice(rows.start * step, rows.stop * step)
            values = pixels[part].astype(np.float32)
            values += weights[part, :, None] * (factor * values + full * summand - values)
            pixels[part] = np.rint(values.clip(0, full))


def _lines(pixels: Pixels, radius: int, step: int) -> tuple[Floats, Floats]:
    """Return slope and offset of the filter for every `step`-th pixel, values 0 to 1; the outer rows are there twice.

    The filtered picture is slope × picture + offset.
    """
    rows, columns = (np.minimum(np.arange(step // 2, n + step // 2, step), n - 1) for n in pixels.shape[:2])
    few = pixels.take(rows, axis=0).take(columns, axis=1) / np.float32(np.iinfo(pixels.dtype).max)
    size = (2 * max(1, radius // step) + 1,) * 2
    mean = cv2.blur(few, size)
    variance = cv2.blur(few * few, size) - mean * mean
    part = variance / (variance + EDGE**2)
    slope, offset = (
        cv2.copyMakeBorder(cv2.blur(v, size), 1, 1, 0, 0, cv2.BORDER_REPLICATE)
        for v in (part, (1 - part) * mean)
    )
    return np.asarray(slope), np.asarray(offset)
