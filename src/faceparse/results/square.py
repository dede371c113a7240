"""Aligned squares, computed from five landmarks: the framing on which face parsing weights are trained.

>>> import numpy as np
>>> from faceparse.results.square import Square, crop
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
    """A square at any place and angle on a picture; its corners are centre ± x ± y, in picture points.

    Attributes:
        centre: The square's centre.
        x: Vector from the centre to the middle of the right side.
        y: Vector from the centre to the middle of the lower side: `x` rotated by 90°.
    """

    centre: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def from_landmarks(cls, landmarks: NDArray[np.float64]) -> Square:
        """Compute a face's CelebA-HQ square from five points in the order of `Detection.landmarks`.

        Let e be the vector from eye to eye and m the vector from the eyes' centre to the mouth's centre. Then
        x is e − rot90(m), scaled to the length max(2.0·‖e‖, 1.8·‖m‖); y is rot90(x); the square's centre is
        the eyes' centre + 0.1·m (Karras et al., Progressive growing of GANs, 2018, appendix C).

        Raises:
            ImageError: not five finite points, or all points in one place.
        """
        points = check_landmarks(landmarks)
        eyes = (points[0] + points[1]) / 2
        e = points[1] - points[0]
        m = (points[3] + points[4]) / 2 - eyes
        x = e - np.array([-m[1], m[0]])
        length = math.hypot(*x)
        if length < 1e-6:
            raise ImageError("the five landmarks are all in one place: expected those of a face")
        x *= max(2.0 * math.hypot(*e), 1.8 * math.hypot(*m)) / length
        middle = eyes + 0.1 * m
        return cls(
            (float(middle[0]), float(middle[1])), (float(x[0]), float(x[1])), (float(-x[1]), float(x[0]))
        )

    @classmethod
    def from_template(cls, landmarks: NDArray[np.float64], template: NDArray[np.float64]) -> Square:
        """Compute the square in which five landmarks lie nearest to a template's, by least squares.

        Args:
            landmarks: 5 × 2 picture points, in the order of `Detection.landmarks`.
            template: 5 × 2 places in the square, as fractions of its side.

        Raises:
            ImageError: not five finite points, or all points in one place.
        """
        to_frame = similarity(landmarks, template)
        turn = np.linalg.inv(to_frame[:, :2])
        (cx, cy), (x, y) = turn @ (0.5 - to_frame[:, 2]), turn[:, 0] / 2
        return cls((float(cx), float(cy)), (float(x), float(y)), (-float(y), float(x)))

    @property
    def side(self) -> float:
        """Length of a side in picture pixels."""
        return 2 * math.hypot(*self.x)

    @property
    def angle(self) -> float:
        """Clockwise rotation in degrees, −180 to 180."""
        return math.degrees(math.atan2(self.x[1], self.x[0]))

    def scale(self, factor: float) -> Square:
        """Return a square with the same centre whose side is `factor` times as long."""
        (a, b), (c, d) = self.x, self.y
        return Square(self.centre, (a * factor, b * factor), (c * factor, d * factor))

    def rotate(self, degrees: float) -> Square:
        """Return the square rotated clockwise around its centre."""
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x = (c * self.x[0] - s * self.x[1], s * self.x[0] + c * self.x[1])
        return Square(self.centre, x, (-x[1], x[0]))

    @property
    def corners(self) -> NDArray[np.float64]:
        """The corners as 4 × 2 picture points: upper left, upper right, lower right, lower left."""
        c, x, y = (np.array(v) for v in (self.centre, self.x, self.y))
        return np.stack([c - x - y, c + x - y, c + x + y, c - x + y])

    def to_frame(self) -> NDArray[np.float64]:
        """Return the 2 × 3 affine map from picture points to the square's own frame, [0, 1] × [0, 1]."""
        c, x, y = (np.array(v) for v in (self.centre, self.x, self.y))
        turn = np.stack([x / (2 * x @ x), y / (2 * y @ y)])
        return np.column_stack([turn, 0.5 - turn @ c])

    def to_pixels(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return the 2 × 3 affine map from picture points to points of a crop of `size` = (height, width) pixels."""
        return np.array([[size[1]], [size[0]]]) * self.to_frame()


def check_landmarks(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the five landmarks as float64, 5 × 2.

    Raises:
        ImageError: not five finite points.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ImageError(f"expected five finite landmarks, an array of 5 × 2, got shape {points.shape}")
    return points


def similarity(landmarks: NDArray[np.float64], template: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 2 × 3 map, of turn, scale and shift alone, that takes five landmarks nearest to a template's.

    Raises:
        ImageError: not five finite points, or all points in one place.
    """
    points = check_landmarks(landmarks)
    centre, target_centre = points.mean(0), template.mean(0)
    source, target = points - centre, template - target_centre
    spread = float(np.square(source).sum())
    if spread < 1e-9:
        raise ImageError("the five landmarks lie in one place: no face has such eyes and mouth")
    # The least-squares similarity, without mirroring.
    a = float((source * target).sum()) / spread
    b = float((source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum()) / spread
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, target_centre - turn @ centre])


def crop(image: NDArray[np.uint8], square: Square, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Crop a square of a picture to `size` = (height, width) pixels; the picture is mirrored beyond its border.

    Resampling is antialiased: the region around the square is first averaged down until a pixel of the crop
    covers less than two pixels of the region along each axis, then sampled bilinearly at twice the crop's
    size and averaged. This needs the memory of a few crops, even for a picture of 100 megapixels.

    Args:
        image: The picture, RGB uint8, H × W × 3.
        square: The square, in picture points; it may lie partly or wholly outside the picture.
        size: Height and width of the crop, px.
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
    # The map goes from points of the small region to points of the picture and on to points of the crop; then
    # points become the pixel indices that OpenCV uses.
    to_picture = np.array(
        [[(right - left) / small[0], 0, left], [0, (bottom - top) / small[1], top], [0, 0, 1]]
    )
    to_crop = square.to_pixels(fine_size) @ to_picture
    to_crop[:, 2] += to_crop[:, :2] @ [0.5, 0.5] - 0.5
    if fine > 1:  # with four channels, OpenCV samples the same values in half of the time
        region = np.asarray(cv2.cvtColor(region, cv2.COLOR_RGB2RGBA), np.uint8)
    fine_crop = cv2.warpAffine(
        region,
        to_crop,
        fine_size[::-1],
        flags=cv2.INTER_LINEAR if fine > 1 else cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    if fine > 1:
        fine_crop = cv2.resize(fine_crop, size[::-1], interpolation=cv2.INTER_AREA)
        fine_crop = cv2.cvtColor(fine_crop, cv2.COLOR_RGBA2RGB)
    return np.asarray(fine_crop, np.uint8)


def _region(corners: NDArray[np.float64], length: int, margin: float) -> tuple[int, int]:
    """Return the first and last pixel (excluded) that a crop reads along an axis, also for the mirrored border."""
    reach = math.ceil(3 * max(margin, 1.0))  # the resampling filters' reach beyond the corners
    low, high = math.floor(corners.min()) - reach, math.ceil(corners.max()) + reach
    if low < 0:
        high = max(high, -low)
    if high > length:
        low = min(low, 2 * length - high)
    low, high = max(low, 0), min(high, length)
    return (low, high) if low < high else (0, length)
