"""The foreground's colour in a cut-out, without the background that is mixed into it.

The method is one pass of blurred fusion (Forte, https://arxiv.org/abs/2109.06014, after Germer et al.,
https://arxiv.org/abs/2006.14970). Box filters give the mean colours of foreground and background around each
pixel. A pixel's foreground colour is the foreground's mean plus alpha × the part of the pixel's colour that
the two means do not explain.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIDE = 512
"""Least longer side, in pixels, of the reduced pictures of mean colours; smaller pictures are not reduced."""

WINDOW = (17, 17)
"""Size of the box filter, in pixels of the reduced picture."""

SLIGHT = np.float32(1e-4)
"""Weight of the whole picture's mean colour, which counts where no foreground (or background) is near."""

STRIP = 128
"""Rows per strip."""


def cutout_strips(
    image: NDArray[np.uint8], alpha: NDArray[np.uint8], opacity: NDArray[np.uint8], *, estimate: bool = True
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Yield a cut-out strip by strip, from the top.

    Args:
        image: The picture, RGB, H × W × 3.
        alpha: How much of each pixel is foreground, H × W, 0 to 255.
        opacity: The cut-out's fourth channel, H × W, 0 to 255: `alpha`, or `alpha` feathered.
        estimate: Whether partly transparent pixels get the estimated foreground colour; else all keep the
            picture's colour.

    Yields:
        The strip's rows, and its pixels, rows × W × 4, RGBA. Fully transparent pixels keep the picture's
        colour.
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
    """Return the mean colour around each pixel, weighted by part⁴: nearly pure pixels count by far the most."""
    weight = np.square(np.square(part))[..., None]
    total, sums = (cv2.blur(v, WINDOW, borderType=cv2.BORDER_REPLICATE) for v in (weight, picture * weight))
    middle = (picture * weight).mean((0, 1)) / max(weight.mean(), SLIGHT)
    return np.asarray((sums + SLIGHT * middle) / (total[..., None] + SLIGHT), np.float32)
