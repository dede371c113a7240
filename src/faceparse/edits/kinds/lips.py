"""Recolour the lips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.recolour import recolour
from faceparse.edits.registry import register


@register
@dataclass(frozen=True)
class Lips(Edit):
    """Gives the lips another colour, like lipstick; light and shade stay.

    Args:
        colour: `#rrggbb` or a CSS name; strength 1 gives the lips this mean colour.
        strength: 0 (no change) to 1.
    """

    name: ClassVar[str] = "lips"
    needs: ClassVar[tuple[str, ...]] = ("lips",)
    mask: ClassVar[tuple[str, ...]] = needs
    colour: Colour
    strength: Strength = 0.7

    def apply(self, canvas: Canvas) -> None:
        recolour(canvas, canvas.soft(*self.mask), self.colour, self.strength)
