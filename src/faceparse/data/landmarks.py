"""Five points and crops from the landmarks of data sets.

The five points are image-left eye, image-right eye, nose tip, image-left and image-right mouth corner of an
upright face, in this order, as detectors return them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError


def five_points(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return five points, 5 × 2, from 106 landmarks (LaPa), 68 or 70 (iBUG's order: Helen, FaceSynthetics), or five.

    >>> five_points(np.zeros((68, 2))).shape
    (5, 2)

    Of 106 landmarks, the eyes are mean(74, 104) and mean(83, 105), the nose is 54, the mouth 84 and 90. Of 68
    or 70 landmarks, the eyes are the means of 36 to 41 and 42 to 47, the nose is 30, the mouth 48 and 54.
    Both choices are SegFace's (Narayan et al., AAAI 2025, https://github.com/Kartik-3004/SegFace).

    Raises:
        DataError: another number of landmarks.
    """
    if landmarks.shape == (5, 2):
        return landmarks
    if landmarks.shape == (106, 2):
        groups: tuple[list[int], ...] = ([74, 104], [83, 105], [54], [84], [90])
    elif landmarks.shape in ((68, 2), (70, 2)):
        groups = ([*range(36, 42)], [*range(42, 48)], [30], [48], [54])
    else:
        raise DataError(f"expected 106, 70, 68 or 5 landmarks, N × 2; got shape {landmarks.shape}")
    return np.stack([landmarks[group].mean(0) for group in groups])


def mirror(points: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Mirror five points, 5 × 2, in a picture `width` px wide; the two eyes swap places, and so do the mouth corners."""
    x, y = points[[1, 0, 2, 4, 3]].T
    return np.column_stack([width - x, y])


def helen_box(landmarks: NDArray[np.float64], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the box around a face to which SegFace crops Helen's pictures.

    The box is a square with the centre of the landmarks' bounding box, and 1.2 times its longer side; it is
    then clipped to the picture. Rounding is as published (https://github.com/Kartik-3004/SegFace).

    Args:
        landmarks: N × 2, in pixels of the picture.
        size: (width, height) of the picture.

    Returns:
        Left, top, right and bottom in whole pixels; right and bottom are excluded.

    Raises:
        DataError: the landmarks lie outside the picture.
    """
    points = landmarks.astype(np.float32)
    low = points.min(0)
    extent = points.max(0) - low + 1
    middle = (low + extent / 2).astype(np.int32)
    side = int(extent.max() * 1.2)
    left, top = (middle - side // 2).tolist()
    right, bottom = min(size[0], left + side), min(size[1], top + side)
    left, top = max(0, left), max(0, top)
    if left >= right or top >= bottom:
        raise DataError(f"the landmarks lie outside the picture of {size[0]}×{size[1]}")
    return left, top, right, bottom
