"""The panel, for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from faceparse.draw.panel import panel
from faceparse.results import Parsing
from faceparse.tables import between
from faceparse.writers.jpeg import QUALITY, write_jpeg
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Panel(FileWriter):
    """Picture, labels and overlay side by side with a legend, JPEG.

    Args:
        alpha: Opacity of the overlay's colour, 0 to 1.
        quality: JPEG quality, 1 to 100.
    """

    name: ClassVar[str] = "panel"
    endings: ClassVar[tuple[str, ...]] = ("_panel.jpg",)
    alpha: Annotated[float, between(0, 1)] = 0.5
    quality: Annotated[int, between(1, 100)] = QUALITY

    def save(self, parsing: Parsing, path: Path) -> None:
        drawn = panel(parsing.image, parsing.labels, parsing.scheme, alpha=self.alpha)
        write_jpeg(path, drawn, self.quality)
