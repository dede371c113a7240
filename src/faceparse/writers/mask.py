"""The label map as a palette PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.results import Parsing, Writer, write_mask


@dataclass(frozen=True)
class Mask(Writer):
    """The label map, palette PNG of the picture's own size: pixel value = label, 255 where ignored."""

    name: ClassVar[str] = "mask"
    endings: ClassVar[tuple[str, ...]] = ("_mask.png",)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        write_mask(path, parsing.labels, parsing.scheme)
        return (path,)
