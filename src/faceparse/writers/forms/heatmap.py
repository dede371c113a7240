"""How likely each pixel is face, as one gray picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np

from faceparse.labels import Scheme
from faceparse.results import Parsing
from faceparse.tables import one_of
from faceparse.writers.png import write_png
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Heatmap(FileWriter):
    """The probability of face, gray PNG: 0 to 255, or to 65535 with 16 bits.

    Args:
        bits: 8 or 16.
    """

    name: ClassVar[str] = "heatmap"
    endings: ClassVar[tuple[str, ...]] = ("_heatmap.png",)
    bits: Annotated[int, one_of((8, 16))] = 8

    def check(self, scheme: Scheme) -> None:
        scheme.ids("face")

    def save(self, parsing: Parsing, path: Path) -> None:
        full = np.float32(2**self.bits - 1)
        gray = np.rint(parsing.mask("face", soft=True, edges=False) * full).astype(f"uint{self.bits}")
        write_png(path, gray)
