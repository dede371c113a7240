"""Paint eye shadow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Floats
from faceparse.edits.makeup import Place, distance, paint
from faceparse.edits.registry import register

REACH = 0.19
"""Distance from the eye at which about a third of the colour is left. This and the next two lengths are in units of the
distance between the eyes."""
RISE = 0.06
"""Height of the band at the eye's middle in which the colour rises from nothing to full."""
NEAR = 0.32
"""Radius around an eye's landmark in which its pixels are sought."""
GLASSES = 0.1
"""Fraction of the circle with radius `NEAR` that glasses may cover; an eye behind more gets no shadow."""


@register
@dataclass(frozen=True)
class Shadow(Edit):
    """Paints the upper lids of every face, on skin alone and not behind glasses; the colour fades towards the brow.

    Args:
        colour: `#rrggbb` or a CSS name.
        strength: 0 (no change) to 1.
    """

    name: ClassVar[str] = "shadow"
    needs: ClassVar[tuple[str, ...]] = ("skin", "face")
    mask: ClassVar[tuple[str, ...]] = ("skin",)
    colour: Colour = "#6a4a7c"
    strength: Strength = 0.7

    def apply(self, canvas: Canvas) -> None:
        paint(canvas, self.colour, self.strength, _lids)


def _lids(place: Place) -> Floats:
    eyes, glasses = place.labelled("eyes"), place.labelled("eye_g")
    down = np.asarray(place.landmarks[3:].mean(0) - place.landmarks[:2].mean(0))
    height = max(float(np.linalg.norm(down)), 1.0)
    length = max(float(np.linalg.norm(place.landmarks[1] - place.landmarks[0])), 0.9 * height)
    weights: Floats = np.zeros(place.labels.shape, np.float32)
    y, x = np.ogrid[: place.labels.shape[0], : place.labels.shape[1]]
    for left, top in place.landmarks[:2]:
        near = (x - left) ** 2 + (y - top) ** 2 < (NEAR * length) ** 2
        eye = eyes & near
        if eye.any() and (glasses & near).sum() < GLASSES * near.sum():
            middle = np.argwhere(eye).mean(0)
            across, along = down / height / length
            above = ((middle[1] - x) * across + (middle[0] - y) * along).astype(np.float32)
            fade = np.exp(-((distance(eye) / (REACH * length)) ** 2)) * np.clip(above / RISE + 0.3, 0, 1)
            np.maximum(weights, fade, out=weights)
    return weights
