"""How likely each pixel is face, as one gray picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from faceparse.errors import ConfigError
from faceparse.labels import Scheme
from faceparse.results import Parsing
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
    bits: int = 8

    def __post_init__(self) -> None:
        if self.bits not in (8, 16):
            raise ConfigError(f"bits is 8 or 16, got {self.bits}")

    def check(self, scheme: Scheme) -> None:
        scheme.ids("face")

    def save(self, parsing: Parsing, path: Path) -> None:
        full = np.float32(2**self.bits - 1)
        gray = np.rint(parsing.mask("face", soft=True) * full).astype(f"uint{self.bits}")
        write_png(path, gray)
