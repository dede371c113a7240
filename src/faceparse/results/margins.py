"""How far a mask's edge is moved, and over what width it fades.

>>> import numpy as np
>>> Margins(grow=1).applied(np.array([[0, 0, 255, 0, 0]], np.uint8)).tolist()
[[0, 255, 255, 255, 0]]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse import tables
from faceparse.results.view import Scalar

PIXELS, PART = 1000, 25
"""The largest length in pixels, and in per cent of a face."""

STEP = 4
"""Pixels that an edge is moved at a time: the cost of a disk goes by its area."""


def _is_length(value: float | str) -> bool:
    number = re.fullmatch(r"(\d+(?:\.\d*)?)(%?)", str(value))
    return number is not None and float(number[1]) <= (PART if number[2] else PIXELS)


LENGTH = tables.Rule(
    f"pixels (0 to {PIXELS:,}) or per cent of the face (0% to {PART}%), such as 3 or 2%", _is_length
)
Length = float | str


@dataclass(frozen=True)
class Margins:
    """Grow, then shrink, then feather; each in pixels or, as text, in per cent of the largest face's longer side.

    Args:
        grow: How far the edge moves outwards: `3` or `2%`. Without a face, per cent are 0 pixels.
        shrink: How far it moves inwards; after growing by as much, it closes gaps.
        feather: Over what width it fades: a Gaussian blur of half of it as σ.

    Raises:
        ConfigError: another text, or a length out of range.
    """

    grow: Annotated[Length, LENGTH] = 0
    shrink: Annotated[Length, LENGTH] = 0
    feather: Annotated[Length, LENGTH] = 0

    def __post_init__(self) -> None:
        tables.check(self)

    def in_pixels(self, side: float) -> Margins:
        """The same with numbers alone; `side` is that of the face, px."""

        def pixels(length: Length) -> float:
            text = str(length)
            return min(PIXELS, float(text[:-1]) / 100 * side if text.endswith("%") else float(text))

        return Margins(pixels(self.grow), pixels(self.shrink), pixels(self.feather))

    @property
    def reach(self) -> int:
        """How far from a pixel the mask counts for it; lengths in pixels."""
        return ceil(float(self.grow) + float(self.shrink) + 1.5 * float(self.feather)) + 2

    def applied(self, mask: NDArray[Scalar]) -> NDArray[Scalar]:
        """A mask, H × W uint8, uint16 or float32, with its edge moved and feathered; lengths in pixels.

        The picture's border is no edge: a mask that is cut off there neither shrinks nor fades.
        """
        out: Any = mask
        for length, move in ((self.grow, cv2.dilate), (self.shrink, cv2.erode)):
            steps, rest = divmod(round(float(length)), STEP)
            for radius in [STEP] * steps + [rest] * (rest > 0):
                disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
                out = move(out, disk)
        if width := float(self.feather):
            side = 2 * ceil(1.5 * width) + 1
            out = cv2.GaussianBlur(out, (side, side), width / 2, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(out, mask.dtype)
