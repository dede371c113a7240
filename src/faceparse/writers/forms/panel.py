"""The panel, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw.overlay import check_look
from faceparse.draw.panel import panel
from faceparse.results import Parsing
from faceparse.writers.jpeg import QUALITY, check_quality, write_jpeg
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Panel(FileWriter):
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

    def save(self, parsing: Parsing, path: Path) -> None:
        drawn = panel(parsing.image, parsing.labels, parsing.scheme, alpha=self.alpha)
        write_jpeg(path, drawn, self.quality)
