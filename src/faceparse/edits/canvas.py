"""The picture that edits change, and its masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.edits.colour import Floats, Pixels, byte_of, to_bytes, to_linear, to_srgb
from faceparse.errors import LabelError, ResultError
from faceparse.results import Parsing
from faceparse.results.foreground import Foreground
from faceparse.results.lookup import look_up, members
from faceparse.results.soft import soft_masks

Box = tuple[slice, slice]
"""Rows and columns."""
ROOM = 0.1
"""Margin around a region, as a fraction of its longer side: the colours behind the region are estimated there."""
PIXELS = 1 << 15
"""Number of pixels changed at a time, so that they stay in the processor's cache."""
FAINT = np.float32(1 / 512)
"""Weight below which 8 bits show no change."""
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
        self._masks: dict[tuple[int, ...], Floats] = {}
        self._uses = Counter[tuple[int, ...]]()
        self.pixels: Pixels = picture[..., :3].copy()
        self.opacity: Pixels | None = picture[..., 3].copy() if picture.shape[2] == 4 else None

    @property
    def picture(self) -> Pixels:
        """The edited picture: RGB, or RGBA if `opacity` is set."""
        return self.pixels if self.opacity is None else np.dstack([self.pixels, self.opacity])

    def prepare(self, masks: Iterable[Sequence[str]]) -> None:
        """Compute the soft masks that `soft` will be asked for, all in one pass; without this, each costs a pass.

        Args:
            masks: Names of classes or groups for each call of `soft` to come.
        """
        self._uses.update(ids for names in masks if (ids := self._ids(names)))
        if groups := [ids for ids in self._uses if ids not in self._masks]:
            self._masks |= zip(groups, soft_masks(self.parsing, groups, float(UNSURE) / 2), strict=True)

    def soft(self, *names: str) -> Floats:
        """Return the soft mask of several classes or groups together, H × W float32, 0 to 1.

        Names that the scheme lacks are left out; `face` stands for `skin` where the scheme has none. Far from the
        region, where only traces of a probability are left, the mask is 0.

        Raises:
            LabelError: the scheme lacks all of them.
        """
        ids = self._ids(names)
        if not ids:
            self.parsing.scheme.ids(names[0])
        if not self._uses[ids]:
            self.prepare([names])
        self._uses[ids] -= 1
        if self._uses[ids]:
            return self._masks[ids].copy()
        del self._uses[ids]
        return self._masks.pop(ids)  # no later edit needs its memory

    def labelled(self, *names: str) -> NDArray[np.bool_]:
        """Return the mask of several classes or groups together, H × W bool; names are those of `soft`."""
        return look_up(members(self._ids(names)), self.parsing.labels).view(np.bool_)

    def _ids(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the labels of those names that the scheme has; in a scheme without `skin`, `face` stands for it."""
        scheme, ids = self.parsing.scheme, set[int]()
        for name in names:
            with suppress(LabelError):
                ids |= {*scheme.ids("face" if name == "skin" and "skin" not in scheme else name)}
        return tuple(sorted(ids))

    def blend(
        self, mask: Floats, change: Callable[[Floats], Floats], strength: float = 1, *, mixed: bool = False
    ) -> None:
        """Change the picture's colours in a mask: `change` gives the new ones, the mask their weight.

        Old and new colours are mixed in linear light. Where the mask is 0, nothing changes.

        Args:
            mask: H × W, 0 to 1.
            change: Function from old to new colours, linear sRGB, n × 3. It gets the pixels inside the mask, some
                at a time.
            strength: 0 to 1; the mask is multiplied by it.
            mixed: Whether a pixel with a mask between 0 and 1 is a mixture of the region and what lies behind. Then
                the region's estimated share of the colour changes, not the whole colour.
        """
        box = extent(mask > 0, ROOM)
        if box is None:
            return
        pixels, alpha = self.pixels[box], np.rint(mask[box] * 255).astype(np.uint8)
        weights, scale = mask[box] * np.float32(strength), byte_of(pixels)
        foreground = Foreground(to_bytes(pixels), alpha) if mixed else None
        for rows in strips(*alpha.shape):
            part, weight = np.ascontiguousarray(pixels[rows]).reshape(-1, 3), weights[rows].reshape(-1)
            places = np.flatnonzero(weight >= FAINT)
            if not places.size:
                continue
            old = part.take(places, axis=0)
            light = front = to_linear(old)
            if foreground:
                share = alpha[rows].reshape(-1).take(places) < 255
                old[share] = foreground.colours(rows.start, places[share]) * scale
                front = to_linear(old)
            light = light + weight.take(places)[:, None] * (np.clip(change(front), 0, 1) - front)
            part[places] = to_srgb(light, part.dtype)
            pixels[rows] = part.reshape(pixels[rows].shape)

    def foreground(self, alpha: Floats) -> Pixels:
        """Return the picture, RGB; where alpha, H × W, lies between 0 and 1, the foreground's estimated colour."""
        front, parts = self.pixels.copy(), np.rint(alpha * 255).astype(np.uint8)
        estimate = Foreground(to_bytes(self.pixels), parts)
        for rows in strips(*parts.shape):
            mixed = np.flatnonzero((parts[rows] > 0) & (parts[rows] < 255))
            front[rows].reshape(-1, 3)[mixed] = estimate.colours(rows.start, mixed) * byte_of(front)
        return front

    def sample(self, mask: Floats, most: int = 10_000) -> Floats:
        """Return linear sRGB, n × 3, of about `most` pixels, evenly chosen where the mask is near its maximum, or near 1."""
        sure = np.flatnonzero(mask >= min(0.95, 0.95 * float(mask.max(initial=0))))
        step = max(1, len(sure) // most)
        return to_linear(self.pixels.reshape(-1, 3).take(sure[::step], axis=0))

    @property
    def face_side(self) -> float:
        """Longer side of the largest face's box in pixels; without a face, a third of the picture's shorter side."""
        return self.parsing.face_side or min(self.parsing.size) / 3


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield the rows of a picture from the top, about `PIXELS` pixels at a time."""
    step = max(1, PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


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
