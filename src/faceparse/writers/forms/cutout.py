"""The person, or some of them, on nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from faceparse.results import Parsing, soft_strips
from faceparse.writers.png import open_png
from faceparse.writers.regions import regions
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Cutout(FileWriter):
    """The picture with all but the person transparent, RGBA PNG; opacity is the soft mask.

    Where nothing shows through, the colours are left out too (0). Ignored pixels are transparent.

    Args:
        classes: What is kept: classes and groups; all but the background where none is named.
    """

    name: ClassVar[str] = "cutout"
    endings: ClassVar[tuple[str, ...]] = ("_cutout.png",)
    classes: tuple[str, ...] = ()

    def save(self, parsing: Parsing, path: Path) -> None:
        kept = sorted({i for ids in regions(parsing.scheme, self.classes).values() for i in ids})
        with open_png(path, parsing.size, channels=4) as add:
            for rows, (opacity,) in soft_strips(parsing, (kept,)):
                shown = np.dstack([parsing.image[rows], opacity])
                shown[opacity == 0] = 0
                add(shown)
