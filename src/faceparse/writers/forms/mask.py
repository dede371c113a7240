"""The label map as a palette PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.results import Parsing
from faceparse.writers.png import write_png
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Mask(FileWriter):
    """The label map, palette PNG of the picture's own size: pixel value = label, 255 where ignored."""

    name: ClassVar[str] = "mask"
    endings: ClassVar[tuple[str, ...]] = ("_mask.png",)
    suffix: ClassVar[str] = ".png"

    def save(self, parsing: Parsing, path: Path) -> None:
        write_png(path, parsing.labels, parsing.scheme.palette)
