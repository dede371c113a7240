"""Recolour the hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from faceparse.edits.base import Colour, Edit, Strength
from faceparse.edits.canvas import Canvas
from faceparse.edits.recolour import recolour
from faceparse.edits.registry import register


@register
@dataclass(frozen=True)
class Hair(Edit):
    """Gives the hair another colour, also a lighter or darker one: black hair becomes blonde.

    Args:
        colour: `#rrggbb` or a CSS name; strength 1 gives the hair this mean colour.
        strength: 0 (no change) to 1.
    """

    name: ClassVar[str] = "hair"
    needs: ClassVar[tuple[str, ...]] = ("hair",)
    mask: ClassVar[tuple[str, ...]] = needs
    colour: Colour
    strength: Strength = 1.0

    def apply(self, canvas: Canvas) -> None:
        recolour(canvas, canvas.soft(*self.mask), self.colour, self.strength)
