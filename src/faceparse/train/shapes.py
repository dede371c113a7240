"""Random shapes, drawn into synthetic scenes and over faces."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme

Picture = NDArray[np.uint8]


def pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    """Return column and row of a point, as OpenCV takes them."""
    return int(point[0]), int(point[1])


def where(labels: Picture, scheme: Scheme, *names: str) -> NDArray[np.bool_]:
    """Return a mask of the pixels of any of these classes; classes that the scheme lacks are skipped."""
    table = np.zeros(256, bool)
    table[[scheme.id(name) for name in names if name in scheme]] = True
    return table[labels]


def strew(canvas: Picture, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw one random shape into a picture: a quadrilateral or ellipse with stripes or a gradient.

    Args:
        canvas: RGB uint8, H × W × 3; changed in place.
        rng: Source of all randomness.

    Returns:
        The shape's mask, bool H × W.
    """
    height, width = canvas.shape[:2]
    side = max(height, width)
    centre = rng.uniform(0, 1, 2) * (width, height)
    size = side * rng.uniform(0.05, 0.45, 2)
    turn = rng.uniform(0, math.pi)
    axes = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    mask = np.zeros((height, width), np.uint8)
    if rng.random() < 0.7:
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) + rng.uniform(-0.3, 0.3, (4, 2))
        corners = (square * size / 2) @ axes.T + centre
        cv2.fillPoly(mask, [corners.astype(np.int32)], (1,))
    else:
        cv2.ellipse(mask, pixel(centre), pixel(size / 2), math.degrees(turn), 0, 360, (1,), -1)
    x, y, w, h = cv2.boundingRect(mask)
    if not w or not h:
        return mask > 0
    colours = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    rows, columns = np.mgrid[y : y + h, x : x + w].astype(np.float32)
    along = (columns - centre[0]) * np.float32(axes[0, 0]) + (rows - centre[1]) * np.float32(axes[1, 0])
    if rng.random() < 0.5:  # stripes, soft or hard
        hardness = rng.uniform(0.5, 4)
        period = side * rng.uniform(0.01, 0.1)
        mix = 0.5 + hardness * np.sin(along * np.float32(2 * math.pi / period))
    else:
        mix = 0.5 + along / np.float32(side * rng.uniform(0.2, 2))
    mix = np.clip(mix, 0, 1)[..., None]
    drawn = colours[0] * mix + colours[1] * (1 - mix)
    here = mask[y : y + h, x : x + w, None] > 0
    window = canvas[y : y + h, x : x + w]
    window[...] = np.where(here, drawn, window)
    return mask > 0
