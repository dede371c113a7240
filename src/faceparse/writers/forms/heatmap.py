"""The probability of face at each pixel, as a gray picture or as a colour over the photo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from PIL import ImageColor

from faceparse.errors import ConfigError
from faceparse.labels import Scheme
from faceparse.results import Parsing
from faceparse.tables import Rule, between, one_of
from faceparse.writers.png import PIECE, Rows
from faceparse.writers.registry import register
from faceparse.writers.writer import PictureWriter


def _is_colour(text: str) -> bool:
    try:
        return len(ImageColor.getrgb(text)) == 3
    except ValueError:
        return False


@register
@dataclass(frozen=True)
class Heatmap(PictureWriter):
    """The probability of face, gray PNG: 0 to 255, or to 65535 with 16 bits; with `blend` as a colour over the picture.

    Args:
        bits: 8 or 16; 8 with `blend`.
        blend: Opacity of the colour where the probability is 1, 0 to 1; 0 draws the gray probability.
        colour: Colour that `blend` uses: a CSS name or `#rrggbb`.
    """

    name: ClassVar[str] = "heatmap"
    endings: ClassVar[tuple[str, ...]] = ("_heatmap.png",)
    bits: Annotated[int, one_of((8, 16))] = 8
    blend: Annotated[float, between(0, 1)] = 0
    colour: Annotated[str, Rule("a colour's name, such as red, or #rrggbb", _is_colour)] = "red"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blend and self.bits != 8:
            raise ConfigError(f"a heat map over the picture has 8 bits: leave out bits {self.bits} or blend")

    def check(self, scheme: Scheme) -> None:
        scheme.ids("face")

    @property
    def channels(self) -> int:
        return 3 if self.blend else 1

    def strips(self, parsing: Parsing) -> Iterator[Rows]:
        likely = parsing.mask("face", soft=True, edges=False)
        if not self.blend:
            full = np.float32(2**self.bits - 1)
            yield np.rint(likely * full).astype(f"uint{self.bits}")
            return
        tint = np.array(ImageColor.getrgb(self.colour), np.float32)
        step = max(1, PIECE // likely.shape[1])
        for y in range(0, len(likely), step):
            picture = parsing.image[y : y + step].astype(np.float32)
            opacity = np.float32(self.blend) * likely[y : y + step, :, None]
            yield np.rint(picture + opacity * (tint - picture)).astype(np.uint8)
