"""An overlay: the picture tinted by class."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.draw.colours import colours
from faceparse.draw.tints import tints
from faceparse.errors import ConfigError
from faceparse.labels import IGNORE, Scheme
from faceparse.labels import scheme as find_scheme

STRIP = 1 << 20
"""Number of pixels tinted at a time, which bounds the memory for large pictures."""


def overlay(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    scheme: str | Scheme,
    alpha: float = 0.5,
    outline: int = 0,
) -> NDArray[np.uint8]:
    """Tint the picture with each class's colour; background and ignored pixels do not change.

    >>> picture, labels = np.full((1, 2, 3), 100, np.uint8), np.array([[0, 17]], np.uint8)
    >>> overlay(picture, labels, "celebamask19", alpha=0.25).tolist()
    [[[100, 100, 100], [75, 75, 126]]]

    Args:
        image: The picture, RGB uint8, H × W × 3.
        labels: The picture's label map, H × W uint8.
        scheme: Scheme of the colours; if two colours are hard to tell apart, the overlay changes one.
        alpha: Strength of the colour, 0 (only the picture) to 1 (only the colour).
        outline: Width of the rim of each class that gets the full colour, px.

    Returns:
        RGB uint8, H × W × 3.

    Raises:
        ConfigError: alpha or outline out of range.
    """
    if not 0 <= alpha <= 1:
        raise ConfigError(f"alpha is 0 to 1; got {alpha}")
    if outline < 0:
        raise ConfigError(f"outline is a width in pixels, 0 or more; got {outline}")
    scheme = tints(find_scheme(scheme))
    background = scheme.id("background") if "background" in scheme else IGNORE
    out = np.empty_like(image)
    height, width = labels.shape
    step = max(1, STRIP // width)
    for y in range(0, height, step):
        rows = slice(y, min(y + step, height))
        colour = colours(labels[rows], scheme)
        cv2.addWeighted(image[rows], 1 - alpha, colour, alpha, 0, dst=out[rows])
        if outline:
            cv2.copyTo(colour, _rim(labels, rows, outline), out[rows])
        untinted = (labels[rows] == background) | (labels[rows] == IGNORE)
        cv2.copyTo(image[rows], untinted.view(np.uint8), out[rows])
    return out


def _rim(labels: NDArray[np.uint8], rows: slice, width: int) -> NDArray[np.uint8]:
    """Return, for some rows, 1 where another label lies within `width` pixels, else 0."""
    top, bottom = max(rows.start - width, 0), min(rows.stop + width, len(labels))
    around = np.ascontiguousarray(labels[top:bottom])
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    rim = np.not_equal(cv2.dilate(around, kernel), cv2.erode(around, kernel)).astype(np.uint8)
    return rim[rows.start - top : rows.stop - top]
