"""The panel, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw.panel import panel
from faceparse.results import Parsing, Writer
from faceparse.writers.jpeg import write_jpeg


@dataclass(frozen=True)
class Panel(Writer):
    """`STEM_panel.jpg`."""

    name: ClassVar[str] = "panel"
    endings: ClassVar[tuple[str, ...]] = ("_panel.jpg",)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        write_jpeg(path, panel(parsing))
        return (path,)
