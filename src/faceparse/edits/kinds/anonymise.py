"""Faces that nobody recognises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse import tables
from faceparse.edits.base import Colour, Edit
from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Pixels, rgb
from faceparse.edits.registry import register
from faceparse.results import Face

MODES = ("pixelate", "blur", "fill")
PARTS = ("face", "head", "eyes")
BLOCKS = 3
"""Squares along a face that is pixelated: too few for eyes and mouth."""
SIGMA = 0.5
"""σ of the blur, in sides of the face."""


@register
@dataclass(frozen=True)
class Anonymise(Edit):
    """Every face found, hidden: what was there cannot be seen or computed back from what is left.

    Args:
        mode: `pixelate` into three squares across, `blur`, or `fill` with a colour.
        part: `face`: its labelled skin and parts, and an ellipse in its box; `head`: its hair and ears too; `eyes`: a band
            over both.
        colour: Of `fill`.
    """

    name: ClassVar[str] = "anonymise"
    private: ClassVar[bool] = True
    mode: Annotated[str, tables.one_of(MODES)] = "pixelate"
    part: Annotated[str, tables.one_of(PARTS)] = "face"
    colour: Colour = "black"

    def apply(self, canvas: Canvas) -> None:
        for face in canvas.parsing.faces:
            side = max(face.size)
            mask = self._mask(canvas, face)
            rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
            if rows.size:
                box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
                canvas.pixels[box][mask[box]] = self._hidden(canvas.pixels[box], side)[mask[box]]

    def _mask(self, canvas: Canvas, face: Face) -> NDArray[np.bool_]:
        mask = np.zeros(canvas.parsing.size, np.uint8)
        if self.part == "eyes":
            left, right = face.landmarks[:2]
            across = right - left
            length = max(float(np.hypot(*across)), 0.35 * face.size[0])
            middle, angle = (left + right) / 2, float(np.degrees(np.arctan2(across[1], across[0])))
            corners = cv2.boxPoints(
                ((float(middle[0]), float(middle[1])), (2.1 * length, 0.8 * length), angle)
            )
            cv2.fillConvexPoly(mask, np.rint(16 * corners).astype(np.int32), 1, shift=4)
            return mask.view(np.bool_)
        x0, y0, x1, y1 = face.box
        centre, axes = (
            (round((x0 + x1) / 2), round((y0 + y1) / 2)),
            (round((x1 - x0) / 2), round((y1 - y0) / 2)),
        )
        cv2.ellipse(mask, centre, (max(1, axes[0]), max(1, axes[1])), 0, 0, 360, 1, cv2.FILLED)
        if face.parsing is not None:
            near = np.zeros_like(mask)
            reach = 2 if self.part == "head" else 1
            cv2.ellipse(
                near, centre, (2 * reach * axes[0] + 1, 2 * reach * axes[1] + 1), 0, 0, 360, 1, cv2.FILLED
            )
            names = ("face", "hair", "ears", "hat") if self.part == "head" else ("face",)
            for name in names:
                if name in ("face",) or name in face.parsing.scheme:
                    mask |= (face.parsing.mask(name) & (near > 0)).view(np.uint8)
        return mask.view(np.bool_)

    def _hidden(self, pixels: Pixels, side: float) -> Pixels:
        if self.mode == "fill":
            scale = np.iinfo(pixels.dtype).max // 255
            return np.broadcast_to(rgb(self.colour).astype(pixels.dtype) * scale, pixels.shape)
        height, width = pixels.shape[:2]
        square = max(2.0, side / BLOCKS)
        size = max(1, round(width / square)), max(1, round(height / square))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        if self.mode == "pixelate":
            return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))
        small = cv2.GaussianBlur(small, (0, 0), SIGMA * BLOCKS, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
