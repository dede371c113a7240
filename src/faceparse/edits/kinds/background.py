"""Replace the background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse import tables
from faceparse.edits.base import Edit
from faceparse.edits.canvas import Canvas, firm, strips
from faceparse.edits.colour import Floats, Pixels, byte_of, parse_colour, rgb, to_bytes, to_linear, to_srgb
from faceparse.edits.registry import register
from faceparse.errors import ConfigError
from faceparse.labels import Scheme
from faceparse.pictures import read_picture
from faceparse.results.foreground import Foreground

SIGMA = 0.04
"""σ of the blur at strength 1, as a fraction of the picture's longer side."""


@register
@dataclass(frozen=True)
class Background(Edit):
    """Puts a colour, a picture, a blur or transparency behind the person; no rim of the old background stays.

    Args:
        behind: `#rrggbb` or a CSS name, a picture's path, `blur` or `transparent`.
        strength: Strength of the blur, 0.01 to 1.
    """

    name: ClassVar[str] = "background"
    needs: ClassVar[tuple[str, ...]] = ("background",)
    mask: ClassVar[tuple[str, ...]] = needs
    behind: Annotated[str, tables.Rule("a colour, a picture's path, blur or transparent", str.strip)]
    strength: Annotated[float, tables.between(0.01, 1)] = 0.5

    @property
    def transparent(self) -> bool:
        return self.behind == "transparent"

    @property
    def file(self) -> str:
        return "" if self.behind in ("blur", "transparent") or parse_colour(self.behind) else self.behind

    def check(self, scheme: Scheme) -> None:
        """Raise where the edit cannot be done, before the first picture is.

        Raises:
            LabelError: the scheme has no background.
            ConfigError: `behind` is no colour, no word and no file.
        """
        super().check(scheme)
        if self.file and not Path(self.file).is_file():
            raise ConfigError(
                f"edit background: expected a colour, a picture's path, blur or transparent; got {self.file!r}, "
                "which is no colour and no file"
            )

    def apply(self, canvas: Canvas) -> None:
        alpha = np.rint(firm(1 - canvas.soft(*self.mask)) * 255).astype(np.uint8)
        full = int(np.iinfo(canvas.pixels.dtype).max)
        if self.transparent:
            opacity = (
                canvas.opacity
                if canvas.opacity is not None
                else np.full(alpha.shape, full, canvas.pixels.dtype)
            )
            canvas.opacity = np.rint(opacity * (alpha / 255)).astype(canvas.pixels.dtype)
            return
        behind = self._behind(canvas, alpha)
        behind = np.broadcast_to(self._behind(canvas, alpha), canvas.pixels.shape)
        estimate = Foreground(to_bytes(canvas.pixels), alpha)
        for rows in strips(*alpha.shape):
            part, old = alpha[rows].reshape(-1), canvas.pixels[rows].reshape(-1, 3)
            mixed = np.flatnonzero((part > 0) & (part < 255))
            front = estimate.colours(rows.start, mixed) * byte_of(canvas.pixels)
            weight = part[mixed, None].astype(np.float32) / np.float32(255)
            new = behind[rows].reshape(-1, 3)
            light = weight * to_linear(front) + (1 - weight) * to_linear(new[mixed])
            np.copyto(old, new, where=(part == 0)[:, None])
            old[mixed] = to_srgb(light, old.dtype)
            if canvas.opacity is not None:
                canvas.opacity[rows][alpha[rows] < 255] = full

    def _behind(self, canvas: Canvas, alpha: NDArray[np.uint8]) -> Pixels:
        """Return the new background, in the picture's size and type, or as one colour, 3 values."""
        scale = byte_of(canvas.pixels)
        height, width = alpha.shape
        if self.behind == "blur":
            return _blurred(canvas.pixels, alpha, SIGMA * self.strength * max(height, width))
        if parse_colour(self.behind):
            return rgb(self.behind) * scale
        image = read_picture(self.behind)
        zoom = max(height / image.shape[0], width / image.shape[1])
        size = max(width, round(image.shape[1] * zoom)), max(height, round(image.shape[0] * zoom))
        image = np.asarray(
            cv2.resize(image, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
        )
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        return image[top : top + height, left : left + width] * scale


def _blurred(pixels: Pixels, alpha: NDArray[np.uint8], sigma: float) -> Pixels:
    """Return the blurred background; the person is left out, whose colours would spread into it."""
    height, width = alpha.shape
    step = max(1, int(sigma / 4))
    size = -(-width // step), -(-height // step)
    small = to_linear(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype))
    weight = (
        1 - cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255 + np.float32(1e-4)
    )
    sums, weights = (
        cv2.GaussianBlur(v, (0, 0), max(sigma / step, 0.3), borderType=cv2.BORDER_REPLICATE)
        for v in (small * weight[..., None], weight)
    )
    mean = np.asarray(sums / weights[..., None], np.float32)
    out = np.empty_like(pixels)
    large: Floats = np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    for rows in strips(height, width):
        out[rows] = to_srgb(large[rows], pixels.dtype)
    return out
