"""Colour on the cheeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.makeup import paint
from faceparse.edits.registry import register


@register
@dataclass(frozen=True)
class Blush(Edit):
    """Colour on both cheeks of every face, fading to all sides, on skin alone.

    Args:
        colour: `#rrggbb` or a CSS name.
        strength: 0 to 1.
    """

    name: ClassVar[str] = "blush"
    needs: ClassVar[tuple[str, ...]] = ("skin", "face")
    colour: Colour = "#d0506a"
    strength: Strength = 0.4

    def apply(self, canvas: Canvas) -> None:
        paint(canvas, "cheeks", 0.06, self.colour, self.strength)
