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

WIDE = 1024
"""Number of pixels in a row of those that OpenCV interpolates."""


class Foreground:
    """An estimate of the foreground's colour in each pixel of a picture.

    Args:
        image: The picture, RGB uint8, H × W × 3.
        alpha: How much of each pixel is foreground, H × W uint8, 0 to 255.
    """

    def __init__(self, image: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
        height, width = alpha.shape
        step = max(1, max(height, width) // SIDE)
        size = -(-width // step), -(-height // step)
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        # The fourth channel counts the weights.
        wide: Floats = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2RGBA), np.float32)
        part = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
        self._image, self._alpha = image, alpha
        self._means = _mean(wide, part), _mean(wide, 1 - part)
        self._across, self._down = size[0] / width, size[1] / height

    def colours(self, top: int, places: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the foreground's colours, n × 3, at n pixels.

        Args:
            top: First row of the strip in which the pixels are.
            places: Indices of the pixels in the strip, counted row by row.
        """
        if not places.size:
            return np.empty((0, 3), np.uint8)
        y, x = np.divmod(places, self._alpha.shape[1])
        spots = np.zeros((2, -(-y.size // WIDE) * WIDE), np.float32)  # OpenCV takes no long rows
        spots[0, : y.size] = (x + 0.5) * self._across - 0.5
        spots[1, : y.size] = (y + (top + 0.5)) * self._down - 0.5
        across, down = spots.reshape(2, -1, WIDE)
        front, back = (
            cv2.remap(mean, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 4)[
                : y.size, :3
            ]
            for mean in self._means
        )
        rows = slice(top, top + int(y[-1]) + 1)
        part = self._alpha[rows].reshape(-1).take(places)[:, None] / np.float32(255)
        mixed = self._image[rows].reshape(-1, 3).take(places, axis=0)
        unexplained = mixed - part * front - (1 - part) * back
        return np.rint(np.clip(front + part * unexplained, 0, 255)).astype(np.uint8)


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
    foreground = Foreground(image, alpha) if estimate else None
    for top in range(0, len(opacity), STRIP):
        rows = slice(top, min(top + STRIP, len(opacity)))
        out = np.dstack([image[rows], opacity[rows]])
        if foreground:
            mixed = np.flatnonzero((alpha[rows] < 255) & (opacity[rows] > 0))
            out.reshape(-1, 4)[mixed, :3] = foreground.colours(top, mixed)
        yield rows, out


def _mean(picture: Floats, part: Floats) -> Floats:
    """Return the mean colour around each pixel, weighted by part⁴: nearly pure pixels count by far the most.

    The fourth channel is 255 in `picture`, and 1 in the result. OpenCV multiplies and divides far faster than NumPy.
    """
    weight = np.square(np.square(part))
    product = cv2.multiply(picture, cv2.merge([weight] * 4))
    middle = np.array(cv2.mean(product)) / max(cv2.mean(weight)[0], SLIGHT)
    middle[3] = 255
    sums = cv2.blur(product, WINDOW, borderType=cv2.BORDER_REPLICATE)
    sums += (SLIGHT * middle).astype(np.float32)
    return np.asarray(cv2.divide(sums, cv2.merge([sums[..., 3]] * 4), scale=255))
