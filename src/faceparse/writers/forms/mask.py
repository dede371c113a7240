"""The label map as a palette PNG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.results import Parsing
from faceparse.writers.png import Rows, write_png
from faceparse.writers.registry import register
from faceparse.writers.writer import PictureWriter


@register
@dataclass(frozen=True)
class Mask(PictureWriter):
    """The label map, palette PNG of the picture's own size: pixel value = label, 255 where ignored."""

    name: ClassVar[str] = "mask"
    endings: ClassVar[tuple[str, ...]] = ("_mask.png",)
    suffix: ClassVar[str] = ".png"

    @property
    def channels(self) -> int:
        return 1

    def strips(self, parsing: Parsing) -> Iterator[Rows]:
        yield parsing.labels

    def save(self, parsing: Parsing, path: Path) -> None:
        write_png(path, parsing.labels, parsing.scheme.palette)
