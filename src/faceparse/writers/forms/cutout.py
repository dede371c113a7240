"""The person, or chosen classes, on a transparent background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from faceparse.results import Parsing, soft_strips
from faceparse.results.foreground import cutout_strips
from faceparse.results.margins import Margins
from faceparse.writers.png import Rows
from faceparse.writers.registry import register
from faceparse.writers.selection import select
from faceparse.writers.writer import PictureWriter


@register
@dataclass(frozen=True)
class Cutout(Margins, PictureWriter):
    """The picture with all but the person transparent, RGBA PNG; opacity is the soft mask.

    In half-transparent pixels the colour is an estimate of the foreground's colour alone; in fully
    transparent pixels it is 0. Ignored pixels are transparent.

    Args:
        classes: Classes and groups to keep; by default all but the background.
        edges: Whether the mask follows the picture's edges and foreground colours are estimated.
        grow: How far the mask's edge moves outwards: pixels, or per cent of the largest face's longer side.
        shrink: How far the edge then moves inwards.
        feather: Width over which the mask fades.
    """

    name: ClassVar[str] = "cutout"
    endings: ClassVar[tuple[str, ...]] = ("_cutout.png",)
    classes: tuple[str, ...] = ()
    edges: bool = True

    @property
    def channels(self) -> int:
        return 4

    def strips(self, parsing: Parsing) -> Iterator[Rows]:
        kept = sorted({i for ids in select(parsing.scheme, self.classes).values() for i in ids})
        alpha = np.empty(parsing.size, np.uint8)
        moved = Margins(self.grow, self.shrink)
        for rows, (strip,) in soft_strips(parsing, (kept,), edges=self.edges, margins=moved):
            alpha[rows] = strip
        opacity = Margins(feather=self.feather).in_pixels(parsing.face_side).applied(alpha)
        for _, shown in cutout_strips(parsing.image, alpha, opacity, estimate=self.edges):
            shown[shown[..., 3] == 0] = 0
            yield shown
