"""Hide faces, so that nobody recognises them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse import tables
from faceparse.edits.base import Colour, Edit
from faceparse.edits.canvas import Box, Canvas, extent
from faceparse.edits.colour import Pixels, byte_of, rgb, to_bytes
from faceparse.edits.registry import register
from faceparse.faces import YuNet
from faceparse.results import Face

Points = NDArray[np.floating[Any]]
MODES = ("pixelate", "blur", "fill")
PARTS = ("face", "head", "eyes")
BLOCKS = 3
"""Squares across a pixelated face: too few to show eyes and mouth."""
SIGMA = 1.5
"""σ of the blur, in squares of `pixelate`."""
SEARCHES = 8
"""Largest number of searches for further faces."""
WIDER = 0.25
"""Growth of the hidden ellipse with each search, as a fraction of the face: it was too small for a face still detected."""


@register
@dataclass(frozen=True)
class Anonymise(Edit):
    """Hides every detected face, so that nobody can see or compute from the result what was there.

    In a portrait the detector may miss small faces behind the large one. So the picture is searched again after its faces
    are hidden, until the detector reports none. A detection that the network does not confirm as a face is hidden too.

    Args:
        mode: `pixelate` (three squares across a face), `blur`, or `fill` with a colour.
        part: `face`: the pixels labelled as the face, and an ellipse in its box; `head`: hair, ears and hat too; `eyes`:
            a band over both eyes.
        colour: Colour of `fill`, `#rrggbb` or a CSS name.
    """

    name: ClassVar[str] = "anonymise"
    private: ClassVar[bool] = True
    mode: Annotated[str, tables.one_of(MODES)] = "pixelate"
    part: Annotated[str, tables.one_of(PARTS)] = "face"
    colour: Colour = "black"

    def apply(self, canvas: Canvas) -> None:
        labelled = canvas.labelled("face", *(("hair", "ears", "hat") if self.part == "head" else ()))
        eyes = self.part == "eyes"
        searched = canvas.pixels.copy() if eyes else canvas.pixels
        faces: Sequence[Face] = (*canvas.parsing.faces, *canvas.parsing.false_faces)
        for search in range(SEARCHES):
            for face in faces:
                if eyes:
                    box, band = _band(face, labelled.shape)
                    self._hide(canvas.pixels, max(band.shape) / 2, box, band)  # each eye becomes one square
                reach = 2.0 if self.part == "head" else 1.4
                self._hide(
                    searched, max(face.size) / BLOCKS, *_outline(face, labelled, 1 + WIDER * search, reach)
                )
            faces = tuple(_search(searched))
            if not faces:
                return

    def _hide(self, pixels: Pixels, square: float, box: Box, mask: NDArray[np.bool_]) -> None:
        inside = extent(mask)
        if inside:
            part, mask = pixels[box][inside], mask[inside]
            part[mask] = self._hidden(part, max(2.0, square))[mask]

    def _hidden(self, pixels: Pixels, square: float) -> Pixels:
        if self.mode == "fill":
            return np.broadcast_to(rgb(self.colour) * byte_of(pixels), pixels.shape)
        height, width = pixels.shape[:2]
        size = max(1, round(width / square)), max(1, round(height / square))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        if self.mode == "pixelate":
            return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))
        small = cv2.GaussianBlur(small, (0, 0), SIGMA, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _outline(
    face: Face, labelled: NDArray[np.bool_], wider: float, reach: float
) -> tuple[Box, NDArray[np.bool_]]:
    """Return a cut-out and its mask: an ellipse in the face's box, and the labelled pixels of a larger ellipse.

    `wider` enlarges both; the larger one is `reach` times the size of the first.
    """
    x0, y0, x1, y1 = face.box
    middle, half = np.array([[x0 + x1, y0 + y1], [x1 - x0, y1 - y0]]) / 2 * np.array([[1], [wider]])
    box, ellipses = _within(labelled.shape, middle - reach * half, middle + reach * half)
    if ellipses.size:
        corner = np.array([box[1].start, box[0].start])
        places = np.rint(16 * (middle - corner)).astype(int).tolist()
        for value, times in ((1, reach), (2, 1.0)):
            axes = np.rint(16 * times * half).astype(int).tolist()
            cv2.ellipse(ellipses, places, axes, 0, 0, 360, value, cv2.FILLED, cv2.LINE_8, 4)
    return box, (ellipses == 2) | ((ellipses == 1) & labelled[box])


def _band(face: Face, size: tuple[int, ...]) -> tuple[Box, NDArray[np.bool_]]:
    """Return a cut-out and its mask: a band over both eyes."""
    left, right = face.landmarks[:2]
    across = right - left
    length = max(float(np.hypot(*across)), 0.35 * face.size[0])
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    x, y = ((left + right) / 2).tolist()
    corners = cv2.boxPoints(((x, y), (2.1 * length, 0.8 * length), angle))
    box, mask = _within(size, corners.min(0), corners.max(0))
    if mask.size:
        corner = np.array([box[1].start, box[0].start])
        cv2.fillConvexPoly(mask, np.rint(16 * (corners - corner)).astype(np.int32), 1, shift=4)
    return box, mask.view(np.bool_)


def _within(size: tuple[int, ...], low: Points, high: Points) -> tuple[Box, NDArray[np.uint8]]:
    """Return the cut-out of a picture between two points x, y, and zeros of its size."""
    (left, top), (right, bottom) = (
        np.clip([np.floor(low), np.ceil(high) + 1], 0, size[1::-1]).astype(int).tolist()
    )
    return (slice(top, bottom), slice(left, right)), np.zeros((bottom - top, right - left), np.uint8)


@cache
def _detector() -> YuNet:
    return YuNet()


def _search(pixels: Pixels) -> Iterator[Face]:
    for one in _detector().detect(np.ascontiguousarray(to_bytes(pixels))):
        yield Face(one.box, one.score, one.landmarks)
