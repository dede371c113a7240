"""Brows in another colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.recolour import recolour
from faceparse.edits.registry import register


@register
@dataclass(frozen=True)
class Brows(Edit):
    """Another colour for the brows.

    Args:
        colour: `#rrggbb` or a CSS name; strength 1 gives the brows this mean colour.
        strength: 0 to 1.
    """

    name: ClassVar[str] = "brows"
    needs: ClassVar[tuple[str, ...]] = ("brows",)
    colour: Colour
    strength: Strength = 0.8

    def apply(self, canvas: Canvas) -> None:
        recolour(canvas, canvas.soft("brows"), self.colour, self.strength)
