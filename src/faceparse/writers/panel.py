"""The panel, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw.overlay import check_look
from faceparse.draw.panel import panel
from faceparse.results import Parsing, Writer
from faceparse.writers.jpeg import QUALITY, check_quality, write_jpeg


@dataclass(frozen=True)
class Panel(Writer):
    """Picture, labels and overlay side by side with a legend, JPEG.

    Args:
        alpha: Strength of the overlay's colour, 0 to 1.
        quality: JPEG's, 1 to 100.
    """

    name: ClassVar[str] = "panel"
    endings: ClassVar[tuple[str, ...]] = ("_panel.jpg",)
    alpha: float = 0.5
    quality: int = QUALITY

    def __post_init__(self) -> None:
        check_look(self.alpha)
        check_quality(self.quality)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        write_jpeg(path, panel(parsing, alpha=self.alpha), self.quality)
        return (path,)
