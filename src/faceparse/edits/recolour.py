"""Another colour for a region, whose light and shade stay.

Lightness is mapped by quantiles, ever upwards, so that what was lighter stays lighter; hue and chroma become the colour's, less in
shades and highlights, and keep a part of their own differences. What clipping takes from the mean is given back. Where the picture
mixes the region with what lies behind, only the region's part of the mixture changes.
"""

from __future__ import annotations

import numpy as np

from faceparse.edits.canvas import Canvas, firm
from faceparse.edits.colour import Floats, from_oklab, rgb, to_linear, to_oklab, to_toe, without_toe

QUANTILES = (0.02, 0.5, 0.98)
"""The darkest, the middle and the lightest of a region."""
BELOW, OVER = (1.8, 0.08, 0.3, 0.6), (1.0, 0.06, 0.2, 0.7)
"""How far the outer ones lie from the middle afterwards: a multiple of before, least, most, and at most this part of the way to black or
white. Dark hair has little of either, and would look flat in blonde."""
WARM = np.float32(0.4)
"""How far yellow turns to red in shades, where it would look green."""
FINE = 2048
"""Steps of the curve of lightness."""
MEAN_STEPS = 8
"""Corrections of the mean colour, each of a sample."""
VARIETY = np.float32(0.3)
"""Part of the differences in hue and chroma that stays, less where the new colour has less chroma."""
SHADE, GLOSS = np.float32(0.6), np.float32(0.4)
"""Part of the colour's lightness below which shades lose chroma; part of the chroma that white highlights lose."""


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
    canvas.blend(firm(mask), change, strength, mixed=True)


class Recolouring:
    """The change of colour that brings a sample's mean to a target.

    Args:
        sample: Linear sRGB, n × 3.
        target: OKLab.
    """

    def __init__(self, sample: Floats, target: Floats) -> None:
        lab = to_oklab(sample)
        self._mean = lab.mean(0)
        self._quantiles = np.quantile(to_toe(lab[:, 0]), QUANTILES)
        before, after = (float(np.hypot(*colour[1:])) for colour in (self._mean, target))
        self._variety = VARIETY * np.float32(min(1, (after + 0.01) / (before + 0.01)))
        self._goal = target.copy()
        for _ in range(MEAN_STEPS):
            self._curve = self._bend()
            self._goal += target - to_oklab(np.clip(self(sample), 0, 1)).mean(0)
        self._curve = self._bend()

    def __call__(self, light: Floats) -> Floats:
        lab = to_oklab(light)
        lightness = np.interp(to_toe(lab[:, 0]) * FINE, np.arange(FINE + 1), self._curve).astype(np.float32)
        variety = lab[:, 1:] - _chroma(lab[:, 0], self._mean[0]) * self._mean[1:]
        lab[:, 1:] = _chroma(lightness, self._goal[0]) * self._goal[1:] + self._variety * variety
        depth = np.clip(1 - lightness / max(self._goal[0], 1e-3), 0, 1)
        lab[:, 1] += WARM * depth * max(self._goal[2], 0)
        lab[:, 0] = lightness
        return from_oklab(lab)

    def _bend(self) -> Floats:
        """OKLab's lightness after, by toe's before in steps: straight between the quantiles, beyond them as steep, with soft bends."""
        low, middle, high = self._quantiles
        goal = float(np.clip(to_toe(self._goal[:1])[0], 0.01, 0.99))
        dark, bright = _reach(middle - low, goal, BELOW), _reach(high - middle, 1 - goal, OVER)
        knots = np.maximum.accumulate([0, low, middle, high, 1]) + np.arange(5) * 1e-4
        first, last = goal - dark, goal + bright
        first = max(0.3 * first, first - low * dark / (knots[2] - knots[1]))
        last = min(0.7 + 0.3 * last, last + (1 - high) * bright / (knots[3] - knots[2]))
        curve = np.interp(np.arange(FINE + 1) / FINE, knots, [first, goal - dark, goal, goal + bright, last])
        window = max(1, int(FINE * (middle - low) / 2))
        wide = np.pad(curve, window, "reflect", reflect_type="odd")
        sums = np.cumsum(np.pad(wide, (1, 0)))
        size = 2 * window + 1
        return without_toe(np.clip((sums[size:] - sums[:-size]) / size, 0, 1).astype(np.float32))


def _reach(before: float, room: float, limits: tuple[float, float, float, float]) -> float:
    times, least, most, part = limits
    return min(float(np.clip(times * before, least, most)), part * room)


def _chroma(lightness: Floats, middle: float) -> Floats:
    """Chroma by lightness, n × 1, 1 at the middle: less in deep shades and in highlights."""
    gloss = np.clip((lightness - middle) / max(1 - middle, 1e-3), 0, 1)
    shade = np.minimum(1, np.maximum(lightness, 0) / max(SHADE * middle, 1e-3))
    return np.asarray((shade * (1 - GLOSS * gloss))[:, None], np.float32)
