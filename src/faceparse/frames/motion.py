"""Motion between two frames: the motion of a face by optical flow, and cuts.

>>> motion = flow(before, after, face.box)  # doctest: +SKIP
>>> motion @ [100, 80, 1]  # the place in `after` of the point (100, 80) in `before`  # doctest: +SKIP
array([103.2, 80.5])
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Affine = NDArray[np.float64]
Box = tuple[float, float, float, float]

SIDE = 256
"""Longer side, in pixels, to which the surroundings of a face are reduced before points are followed."""
MARGIN = 0.3
"""Margin of the surroundings around the face's box, as a fraction of the box's longer side."""
POINTS, LEAST_POINTS = 120, 10
"""Most points to follow; least number that must be followed and move together."""
LEAST_BACK = 0.5
"""Least fraction of the points that must return to their start."""
BACK, TOGETHER = 1.0, 0.4
"""Largest distance, in pixels of the reduced picture, of a point followed forwards and back from its start; and of a point
from the common motion."""
TERMS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03)
THUMBNAIL, SMALL = (32, 18), 160
CUT = 24.0
"""Mean difference of two frames' thumbnails, 0 to 255, above which a cut may lie between them."""


def flow(
    before: Image,
    after: Image,
    box: Box,
    shift: tuple[int, int] = (0, 0),
    together: float = 0.3,
    without: tuple[float, ...] | None = None,
) -> Affine | None:
    """Return the motion of a box's content from one frame to the next, as a 2 × 3 similarity of points.

    Pyramidal Lucas-Kanade follows corners in the box, forwards and back (Kalal et al.: Forward-backward error, 2010).

    Args:
        before: A frame, RGB uint8, H × W × 3.
        after: The next frame, of the same size.
        box: x0, y0, x1, y1 in picture points.
        shift: Expected motion of the box, x and y, in pixels.
        together: Least share of the points that must move together.
        without: A box in `before` whose content moves otherwise.

    Returns:
        The similarity; None if too few points return to their start or move together.
    """
    height, width = before.shape[:2]
    x0, y0, x1, y1 = box
    reach = MARGIN * max(x1 - x0, y1 - y0)
    left, right = _range(x0 - reach, x1 + reach, width, shift[0])
    top, bottom = _range(y0 - reach, y1 + reach, height, shift[1])
    if right - left < 16 or bottom - top < 16:
        return None
    scale = min(1.0, SIDE / max(right - left, bottom - top))
    x, y = shift
    first = _gray(before[top:bottom, left:right], scale)
    second = _gray(after[top + y : bottom + y, left + x : right + x], scale)
    offset = np.array([left, top])
    inside = np.zeros(first.shape, np.uint8)
    (a, b), (c, d) = ((np.array([[x0, y0], [x1, y1]]) - offset) * scale).round().astype(int).clip(0)
    inside[b:d, a:c] = 1
    if without is not None:
        (a, b), (c, d) = ((np.reshape(without, (2, 2)) - offset) * scale).round().astype(int).clip(0)
        inside[b:d, a:c] = 0
    start: Any = cv2.goodFeaturesToTrack(first, POINTS, 0.01, 4, mask=inside)
    if start is None or len(start) < LEAST_POINTS:
        return None
    end, there = _followed(first, second, start)
    again, back = _followed(second, first, end)
    kept = there & back & (np.linalg.norm(again - start, axis=-1).ravel() < BACK)
    if np.count_nonzero(kept) < max(LEAST_POINTS, LEAST_BACK * len(start)):
        return None
    motion, inliers = cv2.estimateAffinePartial2D(
        start[kept], end[kept], method=cv2.RANSAC, ransacReprojThreshold=TOGETHER
    )
    if motion is None or np.count_nonzero(inliers) < max(LEAST_POINTS, together * len(start)):
        return None
    motion[:, 2] = motion[:, 2] / scale + offset + shift - motion[:, :2] @ offset
    return np.asarray(motion, np.float64)


def _range(low: float, high: float, length: int, shift: int) -> tuple[int, int]:
    """Return the first and last pixel (excluded) of a range, clipped to lie in the picture also when shifted."""
    return max(0, -shift, math.floor(low)), min(length, length - shift, math.ceil(high))


def _followed(before: Image, after: Image, points: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Follow points from one gray picture to another: return their places, n × 1 × 2, and whether each was found."""
    places, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, np.empty_like(points), winSize=(21, 21), maxLevel=3, criteria=TERMS
    )
    return places, np.asarray(status, bool).ravel()


def _gray(image: Image, scale: float) -> Image:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8)


def move(points: NDArray[np.float64], motion: Affine) -> NDArray[np.float64]:
    """Map points, n × 2, by a 2 × 3 affine map."""
    return np.asarray(points @ motion[:, :2].T + motion[:, 2], np.float64)


def inverse(motion: Affine) -> Affine:
    """Return the inverse of a 2 × 3 affine map."""
    return np.asarray(np.linalg.inv(np.vstack([motion, [0, 0, 1]]))[:2], np.float64)


def compose(*maps: Affine) -> Affine:
    """Return the 2 × 3 affine map that applies several maps one after another, the last one first."""
    whole = np.eye(3)
    for one in maps:
        whole = whole @ np.vstack([one, [0, 0, 1]])
    return np.asarray(whole[:2], np.float64)


def reduced(image: Image) -> Image:
    """Return a frame with a longer side of at most `SMALL` pixels, averaged down."""
    scale = min(1.0, SMALL / max(image.shape))
    size = tuple(max(1, round(scale * side)) for side in image.shape[1::-1])
    if scale <= 0.25:  # halved first, which is faster
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def thumbnail(image: Image) -> NDArray[np.float32]:
    """Return a frame reduced to 32 × 18 pixels, float32, for `change`."""
    step = max(1, min(image.shape[0] // 72, image.shape[1] // 128))
    return np.asarray(cv2.resize(image[::step, ::step], THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)


def change(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return the mean difference of two thumbnails, 0 to 255."""
    return float(np.abs(before - after).mean())
