"""The label map in colour, as plain RGB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw import colours
from faceparse.results import Parsing
from faceparse.writers.png import PIECE, open_png
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Color(FileWriter):
    """Every pixel in its class's colour, RGB PNG; ignored pixels are black."""

    name: ClassVar[str] = "color"
    endings: ClassVar[tuple[str, ...]] = ("_color.png",)

    def save(self, parsing: Parsing, path: Path) -> None:
        labels = parsing.labels
        step = max(1, PIECE // labels.shape[1])
        with open_png(path, parsing.size, channels=3) as add:
            for y in range(0, len(labels), step):
                add(colours(labels[y : y + step], parsing.scheme))
