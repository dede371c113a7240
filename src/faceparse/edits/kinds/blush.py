"""Paint the cheeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas, blurred
from faceparse.edits.colour import Floats
from faceparse.edits.makeup import Place, paint
from faceparse.edits.registry import register
from faceparse.results.regions import region

EDGE = 0.06
"""σ of the soft edge, as a fraction of the face's longer side."""
BEARD = (0.45, 0.75)
"""Lightness, as fractions of the cheeks' median: a pixel below the first is beard or shade and gets no colour; one above
the second is skin and gets all."""


@register
@dataclass(frozen=True)
class Blush(Edit):
    """Paints both cheeks of every face, on skin alone; the colour fades to all sides.

    Args:
        colour: `#rrggbb` or a CSS name.
        strength: 0 (no change) to 1.
    """

    name: ClassVar[str] = "blush"
    needs: ClassVar[tuple[str, ...]] = ("skin", "face")
    mask: ClassVar[tuple[str, ...]] = ("skin",)
    colour: Colour = "#d0506a"
    strength: Strength = 0.4

    def apply(self, canvas: Canvas) -> None:
        paint(canvas, self.colour, self.strength, _cheeks)


def _cheeks(place: Place) -> Floats:
    inside = region("cheeks", place.landmarks, place.labels, place.scheme)
    skin = inside & (place.labelled("skin") | place.labelled("face"))
    if not skin.any():
        return np.zeros(place.labels.shape, np.float32)
    lightness = blurred(cv2.cvtColor(place.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32), 0.01 * place.side)
    lit = np.clip(
        (lightness / max(float(np.median(lightness[skin])), 1) - BEARD[0]) / (BEARD[1] - BEARD[0]), 0, 1
    )
    return np.asarray(blurred(skin.astype(np.float32), EDGE * place.side) * lit)
