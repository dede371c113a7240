"""Aligned squares: from five landmarks to the framing that face parsing weights are trained on.

>>> import numpy as np
>>> from faceparse.faces import Square, crop
>>> eyes_and_mouth = np.array([[40, 45], [60, 45], [50, 55], [42, 66], [58, 66]])
>>> square = Square.from_landmarks(eyes_and_mouth)
>>> crop(np.zeros((100, 100, 3), np.uint8), square, (512, 512)).shape
(512, 512, 3)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ImageError


@dataclass(frozen=True)
class Square:
    """A square anywhere on a picture, at any angle: centre ± x ± y, in picture points.

    Attributes:
        centre: Its middle.
        x: From the middle to the middle of its right side.
        y: From the middle to the middle of its lower side: `x` turned by 90°.
    """

    centre: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def from_landmarks(cls, landmarks: NDArray[np.float64]) -> Square:
        """The CelebA-HQ square of a face, from its five points in the order of `Detection.landmarks`.

        With e = eye to eye and m = eye centre to mouth centre: x = e − rot90(m), normalised, times
        max(2.0·‖e‖, 1.8·‖m‖); y = rot90(x); the middle is the eye centre + 0.1·m (Karras et al.,
        Progressive growing of GANs, 2018, appendix C).

        Raises:
            ImageError: not five finite points, or all in one place.
        """
        points = check_landmarks(landmarks)
        eyes = (points[0] + points[1]) / 2
        e = points[1] - points[0]
        m = (points[3] + points[4]) / 2 - eyes
        x = e - np.array([-m[1], m[0]])
        length = math.hypot(*x)
        if length < 1e-6:
            raise ImageError("the five landmarks lie in one place: no face has such eyes and mouth")
        x *= max(2.0 * math.hypot(*e), 1.8 * math.hypot(*m)) / length
        middle = eyes + 0.1 * m
        return cls(
            (float(middle[0]), float(middle[1])), (float(x[0]), float(x[1])), (float(-x[1]), float(x[0]))
        )

    @property
    def side(self) -> float:
        """Its side in picture pixels."""
        return 2 * math.hypot(*self.x)

    @property
    def angle(self) -> float:
        """Its rotation clockwise, in degrees, −180 to 180."""
        return math.degrees(math.atan2(self.x[1], self.x[0]))

    def scale(self, factor: float) -> Square:
        """The square around the same middle, `factor` times as large."""
        (a, b), (c, d) = self.x, self.y
        return Square(self.centre, (a * factor, b * factor), (c * factor, d * factor))

    def rotate(self, degrees: float) -> Square:
        """The square rotated clockwise around its middle."""
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x = (c * self.x[0] - s * self.x[1], s * self.x[0] + c * self.x[1])
        return Square(self.centre, x, (-x[1], x[0]))

    @property
    def corners(self) -> NDArray[np.float64]:
        """Upper left, upper right, lower right, lower left: 4 × 2 points."""
        c, x, y = (np.array(v) for v in (self.centre, self.x, self.y))
        return np.stack([c - x - y, c + x - y, c + x + y, c - x + y])

    def to_frame(self) -> NDArray[np.float64]:
        """2 × 3 map from picture points onto the square's own frame, [0, 1] × [0, 1]."""
        c, x, y = (np.array(v) for v in (self.centre, self.x, self.y))
        turn = np.stack([x / (2 * x @ x), y / (2 * y @ y)])
        return np.column_stack([turn, 0.5 - turn @ c])

    def to_pixels(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """2 × 3 map from picture points to the points of a crop of `size` = (height, width) pixels."""
        return np.array([[size[1]], [size[0]]]) * self.to_frame()


def check_landmarks(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The five landmarks as float64, 5 × 2.

    Raises:
        ImageError: not five finite points.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ImageError(f"expected five finite landmarks, an array of 5 × 2, got shape {points.shape}")
    return points


def crop(image: NDArray[np.uint8], square: Square, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Crop a square of a picture to `size` = (height, width) pixels; beyond the picture lies its mirror image.

    Resampling is antialiased: the region around the square is averaged down until less than two of its pixels
    fall on one of the crop's, then sampled bilinearly at twice the crop's size and averaged. Memory is that of a
    few crops, also for a picture of 100 megapixels.

    Args:
        image: RGB uint8, H × W × 3.
        square: In the picture's points; it may lie partly or wholly outside.
        size: Height and width of the result.
    """
    import cv2

    height, width = image.shape[:2]
    left, right = _region(square.corners[:, 0], width, square.side / size[1])
    top, bottom = _region(square.corners[:, 1], height, square.side / size[0])
    region = image[top:bottom, left:right]
    shrink = square.side / max(size)
    small = tuple(max(1, -(-n // max(1, int(shrink)))) for n in (right - left, bottom - top))
    if small != (right - left, bottom - top):
        region = np.asarray(cv2.resize(region, small, interpolation=cv2.INTER_AREA), np.uint8)
    fine = 2 if shrink > 1 else 1
    fine_size = (size[0] * fine, size[1] * fine)
    # Points of the small region → points of the picture → points of the crop, then from points to the
    # pixel indices that OpenCV counts in.
    to_picture = np.array(
        [[(right - left) / small[0], 0, left], [0, (bottom - top) / small[1], top], [0, 0, 1]]
    )
    to_crop = square.to_pixels(fine_size) @ to_picture
    to_crop[:, 2] += to_crop[:, :2] @ [0.5, 0.5] - 0.5
    fine_crop = cv2.warpAffine(
        region,
        to_crop,
        fine_size[::-1],
        flags=cv2.INTER_LINEAR if fine > 1 else cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    if fine > 1:
        fine_crop = cv2.resize(fine_crop, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(fine_crop, np.uint8)


def _region(corners: NDArray[np.float64], length: int, margin: float) -> tuple[int, int]:
    """The pixels along one axis that a crop reads, those of the mirror image at the borders too."""
    reach = math.ceil(3 * max(margin, 1.0))  # of the resampling filters beyond the corners
    low, high = math.floor(corners.min()) - reach, math.ceil(corners.max()) + reach
    if low < 0:
        high = max(high, -low)
    if high > length:
        low = min(low, 2 * length - high)
    low, high = max(low, 0), min(high, length)
    return (low, high) if low < high else (0, length)
