"""The label map as a palette PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.results import Parsing, Writer


@dataclass(frozen=True)
class Mask(Writer):
    """`STEM_mask.png`: palette PNG of the picture's own size, pixel value = label."""

    name: ClassVar[str] = "mask"
    endings: ClassVar[tuple[str, ...]] = ("_mask.png",)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        parsing.save(path)
        return (path,)
