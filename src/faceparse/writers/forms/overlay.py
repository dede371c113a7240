"""The overlay, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw.overlay import check_look, overlay
from faceparse.results import Parsing
from faceparse.writers.jpeg import QUALITY, check_quality, write_jpeg
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Overlay(FileWriter):
    """The picture with its classes in colour over it, JPEG.

    Args:
        alpha: Strength of the colour, 0 to 1.
        outline: Pixels along the rim of each class in its full colour.
        quality: JPEG's, 1 to 100.
    """

    name: ClassVar[str] = "overlay"
    endings: ClassVar[tuple[str, ...]] = ("_overlay.jpg",)
    alpha: float = 0.5
    outline: int = 0
    quality: int = QUALITY

    def __post_init__(self) -> None:
        check_look(self.alpha, self.outline)
        check_quality(self.quality)

    def save(self, parsing: Parsing, path: Path) -> None:
        drawn = overlay(parsing.image, parsing.labels, parsing.scheme, self.alpha, self.outline)
        write_jpeg(path, drawn, self.quality)
