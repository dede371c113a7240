"""Moving a mask's edge outwards or inwards, and feathering it.

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
"""Largest radius of a disk, in pixels: a disk's cost grows with its area, so a larger move takes several disks."""


def _is_length(value: float | str) -> bool:
    number = re.fullmatch(r"(\d+(?:\.\d*)?)(%?)", str(value))
    return number is not None and float(number[1]) <= (PART if number[2] else PIXELS)


LENGTH = tables.Rule(
    f"pixels (0 to {PIXELS:,}) or per cent of the face (0% to {PART}%), such as 3 or 2%", _is_length
)
Length = float | str


@dataclass(frozen=True)
class Margins:
    """Lengths to grow, then shrink, then feather a mask.

    A length is in pixels (`3`) or, as text, in per cent of the longer side of the largest face's box (`2%`).

    Args:
        grow: How far the mask's edge moves outwards. Without a face, per cent are 0 pixels.
        shrink: How far the edge then moves inwards; as much as `grow` closes gaps.
        feather: Width over which the mask fades: a Gaussian blur with σ half this width.

    Raises:
        ConfigError: another text, or a length out of range.
    """

    grow: Annotated[Length, LENGTH] = 0
    shrink: Annotated[Length, LENGTH] = 0
    feather: Annotated[Length, LENGTH] = 0

    def __post_init__(self) -> None:
        tables.check(self)

    def in_pixels(self, side: float) -> Margins:
        """Return the margins with all lengths in pixels; `side` is the longer side of the face's box, in pixels."""

        def pixels(length: Length) -> float:
            text = str(length)
            return min(PIXELS, float(text[:-1]) / 100 * side if text.endswith("%") else float(text))

        return Margins(pixels(self.grow), pixels(self.shrink), pixels(self.feather))

    @property
    def reach(self) -> int:
        """How far away, in pixels, the mask still influences a pixel; requires lengths in pixels."""
        return ceil(float(self.grow) + float(self.shrink) + 1.5 * float(self.feather)) + 2

    def applied(self, mask: NDArray[Scalar]) -> NDArray[Scalar]:
        """Apply lengths in pixels to a mask, H × W uint8, uint16 or float32; return a new mask.

        The picture's border does not count as an edge: a mask that touches the border neither shrinks nor
        fades there.
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
