"""Give a region another colour; its light and shade stay.

A rising curve through three quantiles maps the lightness, so that lighter pixels stay lighter. Hue and chroma become
those of the new colour, with less chroma in shades and highlights; a part of the old variety in them stays. Clipping
shifts the mean colour, and a few corrections bring it back. Where the picture mixes the region with what lies behind,
only the region's share changes.
"""

from __future__ import annotations

import numpy as np

from faceparse.edits.canvas import Canvas, firm
from faceparse.edits.colour import (
    FROM_LAB,
    TO_LAB,
    Floats,
    from_roots,
    rgb,
    to_linear,
    to_oklab,
    to_roots,
    to_toe,
    transform,
    without_toe,
)

QUANTILES = (0.02, 0.5, 0.98)
"""Quantiles of lightness that stand for the darkest, middle and lightest pixels of a region."""
BELOW, OVER = (1.8, 0.08, 0.3, 0.6), (1.0, 0.06, 0.2, 0.7)
"""New distance of the lower and the upper quantile from the middle: a multiple of the old one, its least and its most;
and its most as a fraction of the way to black or white. The least keeps dark hair, all of one lightness, from looking
flat in blonde."""
WARM = np.float32(0.4)
"""Red added in shades, as a fraction of the yellow: dark yellow would look green."""
FINE = 2048
"""Number of steps of the tables over lightness."""
MEAN_STEPS = 8
"""Largest number of corrections of the mean colour."""
NEAR = 2e-4
"""Distance of the mean colour, in OKLab, that needs no further correction: a tenth of what an eye can tell apart."""
VARIETY = np.float32(0.3)
"""Fraction of the old variety in hue and chroma that stays; less if the new colour has less chroma."""
SHADE, GLOSS = np.float32(0.6), np.float32(0.4)
"""Fraction of the mean lightness below which shades lose chroma; fraction of the chroma that white highlights lose."""


def recolour(canvas: Canvas, mask: Floats, colour: str, strength: float) -> None:
    """Give a region another colour.

    Args:
        canvas: The picture.
        mask: The region's soft mask, H × W, 0 to 1.
        colour: The region's mean colour after an edit of strength 1, `#rrggbb` or a CSS name.
        strength: 0 (no change) to 1.
    """
    if not strength or not (mask > 0.5).any():
        return
    change = Recolouring(canvas.sample(mask), to_oklab(to_linear(rgb(colour))))
    canvas.blend(firm(mask), change, strength, mixed=True)


class Recolouring:
    """A function of linear sRGB, n × 3, that gives the region's sample the mean colour `target`.

    Args:
        sample: Colours of some of the region's pixels, linear sRGB, n × 3.
        target: The new mean colour, OKLab, 3.
    """

    def __init__(self, sample: Floats, target: Floats) -> None:
        roots = to_roots(sample)
        lab = transform(roots, TO_LAB)
        self._mean = lab.mean(0)
        self._quantiles = np.quantile(to_toe(lab[:, 0]), QUANTILES)
        before, after = (float(np.hypot(*colour[1:])) for colour in (self._mean, target))
        self._variety = VARIETY * np.float32(min(1, (after + 0.01) / (before + 0.01)))
        self._goal = target.copy()
        # Lightness in steps of the table, for its look-up; and what is added to the table's entry: the old variety.
        keep = np.diag([0, self._variety, self._variety])
        self._matrix = np.vstack([FROM_LAB @ keep @ TO_LAB, FINE * TO_LAB[:1]])
        for _ in range(MEAN_STEPS):
            self._table = self._new_table()
            missing = target - to_oklab(np.clip(self._changed(roots), 0, 1)).mean(0)
            if np.abs(missing).max() < NEAR:
                return
            self._goal += missing
        self._table = self._new_table()

    def __call__(self, light: Floats) -> Floats:
        return self._changed(to_roots(light))

    def _changed(self, roots: Floats) -> Floats:
        """Return the new colours, linear sRGB, n × 3, of pixels whose old ones are given as `to_roots` returns them."""
        values = transform(roots, self._matrix)
        place = np.clip(values[:, 3], 0, FINE - np.float32(1e-3))
        step = place.astype(np.intp)
        part = (place - step).astype(np.float32)[:, None]
        below, above = (np.take(self._table, i, axis=0) for i in (step, step + 1))
        return from_roots(values[:, :3] + below + part * (above - below))

    def _new_table(self) -> Floats:
        """Return what the lightness alone decides of the new colours, as roots: entry i for the old lightness i / `FINE`."""
        old: Floats = np.linspace(0, 1, FINE + 1, dtype=np.float32)
        lightness = np.interp(to_toe(old) * FINE, np.arange(FINE + 1), self._bend()).astype(np.float32)
        colour = (
            _chroma(lightness, self._goal[0]) * self._goal[1:]
            - self._variety * _chroma(old, self._mean[0]) * self._mean[1:]
        )
        depth = np.clip(1 - lightness / max(self._goal[0], 1e-3), 0, 1)
        colour[:, 0] += WARM * depth * max(self._goal[2], 0)
        return transform(np.column_stack([lightness, colour]), FROM_LAB)

    def _bend(self) -> Floats:
        """Return the lightness curve: entry i is OKLab's new lightness for the old lightness i / `FINE` (L_r, see `to_toe`).

        The curve is straight between the quantiles, goes on as steeply beyond them, and bends softly.
        """
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
    """Return a factor of chroma for each lightness, n × 1: 1 at the middle, less in deep shades and in highlights."""
    gloss = np.clip((lightness - middle) / max(1 - middle, 1e-3), 0, 1)
    shade = np.minimum(1, np.maximum(lightness, 0) / max(SHADE * middle, 1e-3))
    return np.asarray((shade * (1 - GLOSS * gloss))[:, None], np.float32)
