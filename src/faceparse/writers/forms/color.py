"""The label map in colour, as plain RGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from faceparse.draw import colours
from faceparse.results import Parsing
from faceparse.writers.png import PIECE, Rows
from faceparse.writers.registry import register
from faceparse.writers.writer import PictureWriter


@register
@dataclass(frozen=True)
class Color(PictureWriter):
    """Every pixel in its class's colour, RGB PNG; ignored pixels are black."""

    name: ClassVar[str] = "color"
    endings: ClassVar[tuple[str, ...]] = ("_color.png",)

    def strips(self, parsing: Parsing) -> Iterator[Rows]:
        labels = parsing.labels
        step = max(1, PIECE // labels.shape[1])
        for y in range(0, len(labels), step):
            yield colours(labels[y : y + step], parsing.scheme)
