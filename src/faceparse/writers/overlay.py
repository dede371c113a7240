"""The overlay, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw.overlay import overlay
from faceparse.results import Parsing, Writer
from faceparse.writers.jpeg import write_jpeg


@dataclass(frozen=True)
class Overlay(Writer):
    """`STEM_overlay.jpg`."""

    name: ClassVar[str] = "overlay"
    endings: ClassVar[tuple[str, ...]] = ("_overlay.jpg",)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        write_jpeg(path, overlay(parsing))
        return (path,)
