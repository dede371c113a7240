"""The picture that edits change, and its masks."""

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
from faceparse.results.soft import soft_part

Box = tuple[slice, slice]
"""Rows and columns."""
ROOM = 0.1
"""Margin around a region, as a fraction of its longer side: the colours behind the region are estimated there."""
ROWS = 512
"""Rows changed at a time; this bounds the memory for large pictures."""
UNSURE = np.float32(0.08)
"""Probabilities up to this count as 0, and those from 1 − this on count as 1."""


class Canvas:
    """A picture that edits change one after another; the masks stay those of the original picture.

    Args:
        parsing: The picture's parsing.
        picture: RGB or RGBA, H × W × 3 or 4, uint8 or uint16; None: `parsing.image`.

    Attributes:
        parsing: The picture's parsing.
        pixels: RGB, H × W × 3, uint8 or uint16; edits change this array.
        opacity: H × W, of the same type as `pixels`; None: the whole picture is opaque.

    Raises:
        ResultError: the picture has another shape or type, or not the parsing's size.
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
        """The edited picture: RGB, or RGBA if `opacity` is set."""
        return self.pixels if self.opacity is None else np.dstack([self.pixels, self.opacity])

    def soft(self, *names: str) -> Floats:
        """Return the soft mask of several classes or groups together, H × W float32, 0 to 1.

        Names that the scheme lacks are left out.

        Far from the region, where only traces of a probability are left, the mask is 0.

        Raises:
            LabelError: the scheme lacks all of them.
        """
        return soft_part(self.parsing, self._present(names) or names)[1]

    def labelled(self, *names: str) -> NDArray[np.bool_]:
        """Return the mask of several classes or groups together, H × W bool; names that the scheme lacks are left out."""
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
        """Return the soft mask of skin and the classes in `more`; in a scheme without `skin`, that of `face` alone.

        Raises:
            LabelError: the scheme has neither `skin` nor `face`.
        """
        return self.soft("skin", *more) if "skin" in self.parsing.scheme else self.soft("face")

    def blend(
        self, mask: Floats, change: Callable[[Floats], Floats], strength: float = 1, *, mixed: bool = False
    ) -> None:
        """Change the picture's colours in a mask: `change` gives the new ones, the mask their weight.

        Old and new colours are mixed in linear light. Where the mask is 0, nothing changes.

        Args:
            mask: H × W, 0 to 1.
            change: Function from old to new colours, linear sRGB, n × 3. It gets the pixels inside the mask, up to
                `ROWS` rows at a time.
            strength: 0 to 1; the mask is multiplied by it.
            mixed: Whether a pixel with a mask between 0 and 1 is a mixture of the region and what lies behind. Then
                the region's estimated share of the colour changes, not the whole colour.
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
        """Return the picture, RGB; where alpha, H × W, lies between 0 and 1, the foreground's estimated colour."""
        return _foreground(self.pixels, alpha)

    def sample(self, mask: Floats, most: int = 10_000) -> Floats:
        """Return linear sRGB, n × 3, of about `most` pixels, evenly chosen where the mask is near its maximum, or near 1."""
        sure = np.flatnonzero(mask >= min(0.95, 0.95 * float(mask.max(initial=0))))
        step = max(1, len(sure) // most)
        return to_linear(self.pixels.reshape(-1, 3)[sure[::step]])

    @property
    def face_side(self) -> float:
        """Longer side of the largest face's box in pixels; without a face, a third of the picture's shorter side."""
        return self.parsing.face_side or min(self.parsing.size) / 3


def _foreground(pixels: Pixels, alpha: Floats) -> Pixels:
    front, parts = pixels.copy(), np.rint(alpha * 255).astype(np.uint8)
    scale = np.iinfo(front.dtype).max // 255
    for rows, strip in cutout_strips(to_bytes(pixels), parts, parts):
        mixed = (parts[rows] > 0) & (parts[rows] < 255)
        front[rows][mixed] = strip[mixed][:, :3].astype(front.dtype) * scale
    return front


def extent(mask: NDArray[np.bool_], room: float = 0) -> Box | None:
    """Return the rows and columns that hold a mask's pixels; None if it has none.

    Args:
        mask: H × W bool.
        room: Margin on each side, as a fraction of the longer side.
    """
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not rows.size:
        return None
    more = round(room * max(rows[-1] - rows[0], columns[-1] - columns[0]))
    return (
        slice(max(0, int(rows[0]) - more), int(rows[-1]) + more + 1),
        slice(max(0, int(columns[0]) - more), int(columns[-1]) + more + 1),
    )


def firm(mask: Floats) -> Floats:
    """Return a soft mask in which probabilities near 0 become 0 and those near 1 become 1.

    A network is never quite sure, and in linear light a few per cent of white on black are visible.
    """
    return np.asarray(np.clip((mask - UNSURE) / (1 - 2 * UNSURE), 0, 1), np.float32)


def blurred(values: Floats, sigma: float) -> Floats:
    """Return values, H × W, blurred by a Gaussian of `sigma` pixels; for a large σ at reduced size, which is fast."""
    step = max(1, int(sigma / 4))
    if step == 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REPLICATE))
    height, width = values.shape
    small = cv2.resize(values, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
