"""The picture, tinted by class."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.draw.colours import coloured
from faceparse.errors import ConfigError
from faceparse.labels import IGNORE, Scheme
from faceparse.results import Parsing

STRIP = 1 << 20
"""Pixels tinted at a time: bounds the memory for large pictures."""


def overlay(parsing: Parsing, alpha: float = 0.5, outline: int = 0) -> NDArray[np.uint8]:
    """The picture with every class in its colour over it; background and ignored pixels stay as they are.

    >>> overlay(parsing, alpha=0, outline=2).shape  # contours alone  # doctest: +SKIP
    (512, 512, 3)

    Args:
        parsing: What to show.
        alpha: Strength of the colour, 0 (none) to 1 (nothing else).
        outline: Pixels along the rim of each class that get its full colour.

    Returns:
        RGB uint8, H × W × 3.

    Raises:
        ConfigError: alpha or outline out of range.
    """
    check_look(alpha, outline)
    image, labels, scheme = parsing.image, parsing.labels, parsing.scheme
    plain = _plain(scheme)
    out = np.empty_like(image)
    height, width = labels.shape
    step = max(1, STRIP // width)
    for y in range(0, height, step):
        rows = slice(y, min(y + step, height))
        colour = coloured(labels[rows], scheme)
        cv2.addWeighted(image[rows], 1 - alpha, colour, alpha, 0, dst=out[rows])
        if outline:
            cv2.copyTo(colour, _rim(labels, rows, outline), out[rows])
        cv2.copyTo(image[rows], _among(labels[rows], plain), out[rows])
    return out


def check_look(alpha: float, outline: int = 0) -> None:
    """Raise a ConfigError where alpha or outline is out of range."""
    if not 0 <= alpha <= 1:
        raise ConfigError(f"alpha is 0 to 1, got {alpha}")
    if outline < 0:
        raise ConfigError(f"outline is a width in pixels, 0 or more, got {outline}")


def _plain(scheme: Scheme) -> tuple[int, ...]:
    """The labels that are not shown."""
    return (IGNORE, scheme.id("background")) if "background" in scheme else (IGNORE,)


def _among(labels: NDArray[np.uint8], some: tuple[int, ...]) -> NDArray[np.uint8]:
    """1 where the label is one of some few, else 0; sooner than a look-up table."""
    found = np.zeros(labels.shape, np.bool_)
    for label in some:
        found |= labels == label
    return found.view(np.uint8)


def _rim(labels: NDArray[np.uint8], rows: slice, width: int) -> NDArray[np.uint8]:
    """1 where another label lies within `width` pixels, in some rows."""
    top, bottom = max(rows.start - width, 0), min(rows.stop + width, len(labels))
    around = np.ascontiguousarray(labels[top:bottom])
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    rim = np.not_equal(cv2.dilate(around, kernel), cv2.erode(around, kernel)).astype(np.uint8)
    return rim[rows.start - top : rows.stop - top]
