"""Softer skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from faceparse.edits.base import Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Floats
from faceparse.edits.registry import register

RADIUS = 0.03
"""Radius of the window, in sides of the face."""
EDGE = 0.1
"""Differences above this, of 1, are edges and stay: wrinkles and pores lie below."""


@register
@dataclass(frozen=True)
class Soften(Edit):
    """Skin, nose and neck without pores and small marks; eyes, brows, lips, hair and glasses stay as they are.

    The guided filter of He, Sun and Tang (https://arxiv.org/abs/1505.00996), the picture as its own guide.

    Args:
        strength: 0 to 1.
    """

    name: ClassVar[str] = "soften"
    needs: ClassVar[tuple[str, ...]] = ("skin", "face")
    strength: Strength = 0.6

    def apply(self, canvas: Canvas) -> None:
        mask = canvas.skin("nose", "neck") * np.float32(self.strength)
        rows, columns = (np.flatnonzero(mask.max(axis) > 0) for axis in (1, 0))
        if not rows.size:
            return
        radius = max(1, round(RADIUS * canvas.face_side))
        box = tuple(
            slice(max(0, int(v[0]) - 2 * radius), int(v[-1]) + 2 * radius + 1) for v in (rows, columns)
        )
        full = np.float32(np.iinfo(canvas.pixels.dtype).max)
        values = canvas.pixels[box].astype(np.float32) / full
        weight = mask[box][..., None]
        values += weight * (_smooth(values, radius) - values)
        changed = mask[box] > 0
        canvas.pixels[box][changed] = np.rint(values[changed].clip(0, 1) * full).astype(canvas.pixels.dtype)


def _smooth(values: Floats, radius: int) -> Floats:
    size = (2 * radius + 1,) * 2
    mean = cv2.blur(values, size)
    variance = cv2.blur(values * values, size) - mean * mean
    slope = variance / (variance + EDGE**2)
    return np.asarray(cv2.blur(slope, size) * values + cv2.blur((1 - slope) * mean, size))
