"""Soften the skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from faceparse.edits.base import Edit, Strength
from faceparse.edits.canvas import Canvas, extent
from faceparse.edits.colour import Floats
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
    strength: Strength = 0.6

    def apply(self, canvas: Canvas) -> None:
        mask = canvas.skin("nose", "neck") * np.float32(self.strength)
        radius = max(1, round(RADIUS * canvas.face_side))
        box = extent(mask > 0)
        if box is None:
            return
        full = np.float32(np.iinfo(canvas.pixels.dtype).max)
        values = canvas.pixels[box].astype(np.float32) / full
        weight = mask[box][..., None]
        values += weight * (_smooth(values, radius) - values)
        changed = mask[box] > 0
        canvas.pixels[box][changed] = np.rint(values[changed].clip(0, 1) * full).astype(canvas.pixels.dtype)


def _smooth(values: Floats, radius: int) -> Floats:
    """Filter a picture, H × W × 3, 0 to 1; slope and offset are computed at every `step`-th pixel."""
    height, width = values.shape[:2]
    step = max(1, radius // FINE)
    few = np.ascontiguousarray(values[step // 2 :: step, step // 2 :: step]) if step > 1 else values
    if not few.size:
        few, step = values, 1
    size = (2 * max(1, radius // step) + 1,) * 2
    mean = cv2.blur(few, size)
    variance = cv2.blur(few * few, size) - mean * mean
    part = variance / (variance + EDGE**2)
    slope, offset = (
        cv2.resize(cv2.blur(v, size), (width, height), interpolation=cv2.INTER_LINEAR)
        for v in (part, (1 - part) * mean)
    )
    return np.asarray(slope * values + offset, np.float32)
