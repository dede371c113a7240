"""Another colour for a region, whose light and shade stay.

Lightness is mapped by quantiles, ever upwards, so that what was lighter stays lighter; hue and chroma become the colour's, less in
shades, and keep a part of their own differences. What clipping takes from the mean is given back.
"""

from __future__ import annotations

import numpy as np

from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Floats, from_oklab, rgb, to_linear, to_oklab

QUANTILES = (0.02, 0.5, 0.98)
"""Between these the contrast is kept; beyond, it is squeezed as far as needed."""
MEAN_STEPS = 6
"""Corrections of the mean colour, each of a sample."""
VARIETY = np.float32(0.3)
"""Part of the differences in hue and chroma that stays."""
SPREAD = (0.05, 0.15)
"""Lightness between the middle and either outer quantile afterwards: dark hair has less, and would look flat in blonde."""
FIRM = np.float32(1.05)
"""A network is never quite sure, and a few per cent of the old light would show in dark colours."""
SHADE = np.float32(0.5)
"""Part of the colour's lightness below which shades lose chroma."""


def recolour(canvas: Canvas, mask: Floats, colour: str, strength: float) -> None:
    """Give a region a colour.

    Args:
        canvas: The picture.
        mask: H × W, 0 to 1.
        colour: Its mean afterwards, at strength 1.
        strength: 0 for no change.
    """
    if not strength or not (mask > 0.5).any():
        return
    change = Recolouring(canvas.sample(mask), to_oklab(to_linear(rgb(colour))))
    canvas.blend(np.minimum(mask * FIRM, 1) * np.float32(strength), change)


class Recolouring:
    """The change of colour that brings a sample's mean to a target.

    Args:
        sample: Linear sRGB, n × 3.
        target: OKLab.
    """

    def __init__(self, sample: Floats, target: Floats) -> None:
        lab = to_oklab(sample)
        self._mean = lab.mean(0)
        low, middle, high = np.quantile(lab[:, 0], QUANTILES)
        self._quantiles = np.array([low, middle, high])
        self._goal = target.copy()
        for _ in range(MEAN_STEPS):
            self._goal += target - to_oklab(np.clip(self(sample), 0, 1)).mean(0)

    def __call__(self, light: Floats) -> Floats:
        lab = to_oklab(light)
        lightness = self._lightness(lab[:, 0])
        shade = np.minimum(1, lightness / max(SHADE * self._goal[0], 1e-3))[:, None]
        lab[:, 1:] = shade * self._goal[1:] + VARIETY * (lab[:, 1:] - self._mean[1:])
        lab[:, 0] = lightness
        return from_oklab(lab)

    def _lightness(self, values: Floats) -> Floats:
        low, middle, high = self._quantiles
        goal = float(np.clip(self._goal[0], 0.02, 0.98))
        below = min(float(np.clip(middle - low, *SPREAD)), 0.8 * goal)
        over = min(float(np.clip(high - middle, *SPREAD)), 0.8 * (1 - goal))
        knots = np.maximum.accumulate([0, low, middle, high, 1]) + np.arange(5) * 1e-5
        wanted = [(goal - below) / 2, goal - below, goal, goal + over, (1 + goal + over) / 2]
        return np.asarray(np.interp(values, knots, wanted), np.float32)
