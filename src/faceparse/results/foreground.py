"""The colour of what is cut out, without the background that shone through it.

Blurred fusion (Forte, https://arxiv.org/abs/2109.06014, after Germer et al., https://arxiv.org/abs/2006.14970) in one pass: near
each pixel the mean colours of foreground and background, by box filters; the pixel's foreground is then that mean,
and what the two leave unexplained of its own colour.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIDE = 512
"""Longer side in pixels of the pictures of mean colours, at least, where the picture has that many."""

WINDOW = (17, 17)
"""Pixels of these pictures over which a mean goes."""

SLIGHT = np.float32(1e-4)
"""Weight of the whole picture's mean: it stands in where nothing else is near."""

STRIP = 128
"""Rows at a time."""


def cutout_strips(
    image: NDArray[np.uint8], alpha: NDArray[np.uint8], opacity: NDArray[np.uint8], *, estimate: bool = True
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """A cut-out, strip by strip from the top.

    Args:
        image: RGB, H × W × 3.
        alpha: How much of each pixel is foreground, H × W, 0 to 255.
        opacity: What becomes the cut-out's fourth channel: `alpha`, or that feathered.
        estimate: Whether pixels that are not all foreground get its estimated colour; else all keep their own.

    Yields:
        The strip's rows, and rows × W × 4, RGBA. What is all transparent has the picture's colours.
    """
    height, width = opacity.shape
    step = max(1, max(height, width) // SIDE)
    size = -(-width // step), -(-height // step)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    part = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    means = _mean(small, part), _mean(small, 1 - part)
    across, down = size[0] / width, size[1] / height
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height))
        out = np.dstack([image[rows], opacity[rows]])
        mixed = (alpha[rows] < 255) & (opacity[rows] > 0)
        if estimate and mixed.any():
            to_small = np.array([[across, 0, 0.5 * across - 0.5], [0, down, (top + 0.5) * down - 0.5]])
            front, back = (
                cv2.warpAffine(
                    mean,
                    to_small,
                    mixed.shape[::-1],
                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                    borderMode=cv2.BORDER_REPLICATE,
                )[mixed]
                for mean in means
            )
            a = alpha[rows][mixed, None] / np.float32(255)
            unexplained = image[rows][mixed] - a * front - (1 - a) * back
            out[mixed, :3] = np.rint(np.clip(front + a * unexplained, 0, 255))
        yield rows, out


def _mean(picture: Floats, part: Floats) -> Floats:
    """The mean colour around each pixel of what is `part` of them; nearly pure pixels count for far the most."""
    weight = np.square(np.square(part))[..., None]
    total, sums = (cv2.blur(v, WINDOW, borderType=cv2.BORDER_REPLICATE) for v in (weight, picture * weight))
    middle = (picture * weight).mean((0, 1)) / max(weight.mean(), SLIGHT)
    return np.asarray((sums + SLIGHT * middle) / (total[..., None] + SLIGHT), np.float32)
