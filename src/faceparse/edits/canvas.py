"""The picture under edit, and its masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.edits.colour import Floats, Pixels, to_bytes, to_linear, to_srgb
from faceparse.errors import LabelError, ResultError
from faceparse.results import Parsing
from faceparse.results.foreground import cutout_strips

Box = tuple[slice, slice]
"""Rows and columns."""
ROOM = 0.1
"""Around a region, in its sides: what lies behind it is seen there."""
ROWS = 512
"""Rows changed at a time: bounds the memory for large pictures."""
UNSURE = np.float32(0.08)
"""Probability that counts as none, and likewise below 1."""


class Canvas:
    """A picture that edits change one after the other, each by the masks of the picture as it was.

    Args:
        parsing: Of the picture.
        picture: RGB or RGBA, H × W × 3 or 4, uint8 or uint16; the parsing's own where None.

    Attributes:
        parsing: The parsing.
        pixels: RGB, H × W × 3, uint8 or uint16.
        opacity: H × W of the same type; None where all is opaque.

    Raises:
        ResultError: a picture of another kind or size.
    """

    def __init__(self, parsing: Parsing, picture: Pixels | None = None) -> None:
        picture = parsing.image if picture is None else np.asarray(picture)
        if picture.ndim != 3 or picture.shape[2] not in (3, 4) or picture.dtype not in (np.uint8, np.uint16):
            raise ResultError(f"edits take RGB or RGBA, uint8 or uint16; got {picture.shape} {picture.dtype}")
        if picture.shape[:2] != parsing.size:
            raise ResultError(f"the parsing is of a picture of {parsing.size}, got {picture.shape[:2]}")
        self.parsing = parsing
        self.pixels: Pixels = picture[..., :3].copy()
        self.opacity: Pixels | None = picture[..., 3].copy() if picture.shape[2] == 4 else None

    @property
    def picture(self) -> Pixels:
        """What the edits have made: RGB, or RGBA where something shows through."""
        return self.pixels if self.opacity is None else np.dstack([self.pixels, self.opacity])

    def soft(self, *names: str) -> Floats:
        """How likely each pixel is one of some classes or groups, H × W float32; those that the scheme lacks count for nothing.

        Raises:
            LabelError: it lacks all of them.
        """
        return self.parsing.mask(self._present(names) or names, soft=True)

    def labelled(self, *names: str) -> NDArray[np.bool_]:
        """Which pixels are labelled as one of some classes or groups, H × W; those that the scheme lacks count for nothing."""
        present = self._present(names)
        return self.parsing.mask(present) if present else np.zeros(self.parsing.size, np.bool_)

    def _present(self, names: Sequence[str]) -> list[str]:
        present = []
        for name in names:
            with suppress(LabelError):
                self.parsing.scheme.ids(name)
                present.append(name)
        return present

    def skin(self, *more: str) -> Floats:
        """How likely each pixel is skin, or one of some further classes; in a scheme without skin, face.

        Raises:
            LabelError: the scheme has neither.
        """
        return self.soft("skin", *more) if "skin" in self.parsing.scheme else self.soft("face")

    def blend(
        self, mask: Floats, change: Callable[[Floats], Floats], strength: float = 1, *, mixed: bool = False
    ) -> None:
        """Replace light, as far as the mask says, by what a function makes of it; where the mask is 0 nothing changes.

        Args:
            mask: H × W, 0 to 1.
            change: Linear sRGB, n × 3 → the same; it gets the pixels whose mask is above 0, some rows at a time.
            strength: 0 to 1, by which the mask is multiplied.
            mixed: Whether a mask between 0 and 1 says that the picture mixes the region with something behind: then the region's
                estimated part of the mixture changes, not the mixture.
        """
        box = extent(mask > 0, ROOM)
        if box is None:
            return
        pixels, mask = self.pixels[box], mask[box]
        front = _foreground(pixels, mask) if mixed else pixels
        weights = mask * np.float32(strength)
        for top in range(0, len(mask), ROWS):
            rows = slice(top, top + ROWS)
            part = weights[rows] * 255 >= 0.5  # less is no step of 8 bits
            if part.any():
                light, old = to_linear(pixels[rows][part]), to_linear(front[rows][part])
                light += weights[rows][part][:, None] * (np.clip(change(old), 0, 1) - old)
                pixels[rows][part] = to_srgb(light, pixels.dtype)

    def foreground(self, alpha: Floats) -> Pixels:
        """The picture, and where alpha (H × W, 0 to 1) lies between 0 and 1 the estimated colour of the foreground alone."""
        return _foreground(self.pixels, alpha)

    def sample(self, mask: Floats, most: int = 10_000) -> Floats:
        """Light of pixels that a mask takes for sure, or else for the surest: n × 3, evenly over it."""
        sure = np.flatnonzero(mask >= min(0.95, 0.95 * float(mask.max(initial=0))))
        step = max(1, len(sure) // most)
        return to_linear(self.pixels.reshape(-1, 3)[sure[::step]])

    @property
    def face_side(self) -> float:
        """Longer side of the largest face in pixels; a third of the picture's shorter one without a face."""
        return self.parsing.face_side or min(self.parsing.size) / 3


def _foreground(pixels: Pixels, alpha: Floats) -> Pixels:
    front, parts = pixels.copy(), np.rint(alpha * 255).astype(np.uint8)
    scale = np.iinfo(front.dtype).max // 255
    for rows, strip in cutout_strips(to_bytes(pixels), parts, parts):
        mixed = (parts[rows] > 0) & (parts[rows] < 255)
        front[rows][mixed] = strip[mixed][:, :3].astype(front.dtype) * scale
    return front


def extent(mask: NDArray[np.bool_], room: float = 0) -> Box | None:
    """Rows and columns of a mask's pixels, and some room around them, in sides of their box; None without any."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not rows.size:
        return None
    more = round(room * max(rows[-1] - rows[0], columns[-1] - columns[0]))
    return (
        slice(max(0, int(rows[0]) - more), int(rows[-1]) + more + 1),
        slice(max(0, int(columns[0]) - more), int(columns[-1]) + more + 1),
    )


def firm(mask: Floats) -> Floats:
    """A soft mask whose ends are firm: a network is never quite sure, and in linear light a few per cent of white on black show."""
    return np.asarray(np.clip((mask - UNSURE) / (1 - 2 * UNSURE), 0, 1), np.float32)


def blurred(values: Floats, sigma: float) -> Floats:
    """Values, H × W, blurred by a Gaussian; cheap for large σ."""
    step = max(1, int(sigma / 4))
    if step == 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REPLICATE))
    height, width = values.shape
    small = cv2.resize(values, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
