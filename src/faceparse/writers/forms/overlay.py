"""The overlay, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.draw.overlay import overlay
from faceparse.results import Parsing
from faceparse.tables import between
from faceparse.writers.jpeg import QUALITY, write_jpeg
from faceparse.writers.registry import register
from faceparse.writers.writer import PictureWriter


@register
@dataclass(frozen=True)
class Overlay(PictureWriter):
    """The picture with its classes in colour over it, JPEG.

    Args:
        alpha: Opacity of the colour, 0 to 1.
        outline: Width in pixels of a rim around each class in full colour, 0 to 1000.
        quality: JPEG quality, 1 to 100.
    """

    name: ClassVar[str] = "overlay"
    endings: ClassVar[tuple[str, ...]] = ("_overlay.jpg",)
    alpha: Annotated[float, between(0, 1)] = 0.5
    outline: Annotated[int, between(0, 1000)] = 0
    quality: Annotated[int, between(1, 100)] = QUALITY

    def strips(self, parsing: Parsing) -> Iterator[NDArray[np.uint8]]:
        yield overlay(parsing.image, parsing.labels, parsing.scheme, self.alpha, self.outline)

    def save(self, parsing: Parsing, path: Path) -> None:
        write_jpeg(path, next(self.strips(parsing)), self.quality)
