"""Recolour the brows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Box, Canvas, blurred, extent
from faceparse.edits.colour import Floats, to_linear, to_oklab
from faceparse.edits.recolour import recolour
from faceparse.edits.registry import register

NEAR = 0.03
"""σ of the window that averages colours, as a fraction of the face's longer side."""
FEW = 0.1
"""Probability of brow below which a skin pixel counts as bare skin."""
ALIKE = 0.05
"""Distance of brow and skin in OKLab up to which they are not told apart; from twice this distance on they fully are."""
HAIR = np.float32(0.75)
"""Fraction of the colour that only hairs get; skin between them gets the rest, as from a brow pencil."""
FULL = 0.8
"""Fraction of the way from skin colour to brow colour from which a pixel is all hair."""


@register
@dataclass(frozen=True)
class Brows(Edit):
    """Gives the brows another colour.

    Args:
        colour: `#rrggbb` or a CSS name; strength 1 gives the brows this mean colour.
        strength: 0 (no change) to 1.
    """

    name: ClassVar[str] = "brows"
    needs: ClassVar[tuple[str, ...]] = ("brows",)
    mask: ClassVar[tuple[str, ...]] = needs
    colour: Colour
    strength: Strength = 0.8

    def apply(self, canvas: Canvas) -> None:
        mask = canvas.soft(*self.mask)
        box = extent(mask > 0.05)
        if box:
            mask[box] *= _hairs(canvas, mask[box], box)
            recolour(canvas, mask, self.colour, self.strength)


def _hairs(canvas: Canvas, brows: Floats, box: Box) -> Floats:
    """Return the weight of each pixel, 0 to 1: the nearer its colour is to the brow's than to the skin's, the higher."""
    colours = to_oklab(to_linear(canvas.pixels[box]))
    sigma = NEAR * canvas.face_side
    bare = canvas.labelled("skin")[box] & (brows < FEW)
    skin = _mean(colours, bare.astype(np.float32), 2 * sigma)
    apart = np.square(colours - skin).sum(-1)
    hair = _mean(colours, brows * apart, sigma) - skin
    length = np.square(hair).sum(-1)
    part = ((colours - skin) * hair).sum(-1) / np.maximum(length, 1e-6)
    clear = np.clip(np.sqrt(length) / ALIKE - 1, 0, 1)
    return np.asarray(1 + HAIR * clear * (np.clip(part / FULL, 0, 1) - 1), np.float32)


def _mean(colours: Floats, weights: Floats, sigma: float) -> Floats:
    """Return the weighted mean colour around each pixel."""
    weights = weights + np.float32(1e-5)
    sums = np.dstack(
        [blurred(np.ascontiguousarray(c), sigma) for c in np.moveaxis(colours * weights[..., None], -1, 0)]
    )
    return np.asarray(sums / blurred(weights, sigma)[..., None], np.float32)
