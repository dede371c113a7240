"""The label map in colour, as plain RGB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.draw.colours import coloured
from faceparse.files import atomic
from faceparse.results import Parsing, Writer
from faceparse.results.png import PIECE, Png


@dataclass(frozen=True)
class Color(Writer):
    """Every pixel in its class's colour, RGB PNG; ignored pixels are black."""

    name: ClassVar[str] = "color"
    endings: ClassVar[tuple[str, ...]] = ("_color.png",)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        labels = parsing.labels
        step = max(1, PIECE // labels.shape[1])
        with (
            atomic(path, overwrite=True) as temporary,
            temporary.open("wb") as file,
            Png(file, labels.shape, channels=3) as png,
        ):
            for y in range(0, len(labels), step):
                png.add(coloured(labels[y : y + step], parsing.scheme))
        return (path,)
