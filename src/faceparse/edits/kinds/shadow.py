"""Eye shadow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.makeup import paint
from faceparse.edits.registry import register


@register
@dataclass(frozen=True)
class Shadow(Edit):
    """Colour between eyes and brows of every face, on skin alone.

    Args:
        colour: `#rrggbb` or a CSS name.
        strength: 0 to 1.
    """

    name: ClassVar[str] = "shadow"
    needs: ClassVar[tuple[str, ...]] = ("skin", "face")
    colour: Colour = "#6a4a7c"
    strength: Strength = 0.5

    def apply(self, canvas: Canvas) -> None:
        paint(canvas, "eyelids", 0.012, self.colour, self.strength)
