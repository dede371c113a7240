"""The person, or some of them, on nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from faceparse.results import Parsing, soft_strips
from faceparse.results.foreground import cutout_strips
from faceparse.results.margins import Margins
from faceparse.writers.png import open_png
from faceparse.writers.registry import register
from faceparse.writers.selection import select
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Cutout(Margins, FileWriter):
    """The picture with all but the person transparent, RGBA PNG; opacity is the soft mask.

    Where something shows through, the colour is the foreground's alone, as estimated; where all does, it
    is left out (0). Ignored pixels are transparent.

    Args:
        classes: What is kept: classes and groups; all but the background where none is named.
        edges: Whether the mask follows the picture's edges, and colours are estimated.
        grow: How far its edge moves outwards: pixels, or per cent of the largest face's longer side.
        shrink: How far it then moves inwards.
        feather: Over what width it fades.
    """

    name: ClassVar[str] = "cutout"
    endings: ClassVar[tuple[str, ...]] = ("_cutout.png",)
    classes: tuple[str, ...] = ()
    edges: bool = True

    def save(self, parsing: Parsing, path: Path) -> None:
        kept = sorted({i for ids in select(parsing.scheme, self.classes).values() for i in ids})
        alpha = np.empty(parsing.size, np.uint8)
        moved = Margins(self.grow, self.shrink)
        for rows, (strip,) in soft_strips(parsing, (kept,), edges=self.edges, margins=moved):
            alpha[rows] = strip
        opacity = Margins(feather=self.feather).in_pixels(parsing.face_side).applied(alpha)
        with open_png(path, parsing.size, channels=4) as add:
            for _, shown in cutout_strips(parsing.image, alpha, opacity, estimate=self.edges):
                shown[shown[..., 3] == 0] = 0
                add(shown)
