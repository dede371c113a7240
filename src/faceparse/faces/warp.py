"""LaPa's warp: the whole picture in one square, with the face upright in the middle and the surroundings compressed.

>>> import numpy as np
>>> points = np.array([[196, 226], [316, 226], [256, 286], [220, 360], [292, 360]], float)
>>> warp = Warp.from_landmarks(points, (512, 512))
>>> warp.crop(np.zeros((512, 512, 3), np.uint8)).shape
(512, 512, 3)

SegFace's networks for LaPa take such pictures. The method is RoI Tanh-warping (Lin et al.,
https://arxiv.org/abs/1906.01342), with the conventions of SegFace (https://arxiv.org/abs/2412.08647).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.results.square import similarity
from faceparse.results.squash import unsquash

TEMPLATE = np.array([(196, 226), (316, 226), (256, 286), (220, 360.4), (292, 360.4)]) / 512
"""Places of the five landmarks in a warped picture, as fractions of its side."""

ALONE, AMONG_OTHERS = 2.5, 1.5
"""Distance from the template's centre up to which the warp of a single face, or of one of several faces, counts.

The unit is half of the template's side. Farther out the picture is so compressed that one label covers much
of it, and the warps of other faces are more exact.
"""

NEUTRAL = (124, 116, 104)
"""RGB colour outside the picture: ImageNet's mean, which normalises to nearly zero."""


@dataclass(frozen=True, eq=False)
class Warp:
    """The warp of a picture around one face.

    Attributes:
        to_template: 2 × 3 affine map from picture points to pixels of the template, which has the network's
            input size.
        size: Height and width of the network's input, px.
    """

    to_template: NDArray[np.float64]
    size: tuple[int, int]

    @classmethod
    def from_landmarks(cls, landmarks: NDArray[np.float64], size: tuple[int, int]) -> Warp:
        """Compute the warp around a face from five points in the order of `Detection.landmarks`.

        Args:
            landmarks: 5 × 2 picture points.
            size: Height and width of the network's input, px.

        Raises:
            ImageError: not five finite points, or all points in one place.
        """
        return cls(similarity(landmarks, TEMPLATE * (np.array(size[::-1]) - 1)), size)

    @property
    def scale(self) -> float:
        """Template pixels per picture pixel, at the template's centre."""
        return math.hypot(self.to_template[0, 0], self.to_template[1, 0])

    def crop(self, image: NDArray[np.uint8], fill: tuple[int, int, int] = NEUTRAL) -> NDArray[np.uint8]:
        """Warp a picture to the network's input size, RGB uint8.

        A large face is first averaged down to `scale`, so that warping needs the memory of a few inputs.

        Args:
            image: The picture, RGB uint8, H × W × 3.
            fill: RGB colour outside the picture.
        """
        import cv2

        height, width = self.size
        columns = unsquash(2 * np.arange(width) / width - 1)
        rows = unsquash(2 * np.arange(height) / height - 1)
        template = np.stack(np.meshgrid((columns + 1) * width / 2, (rows + 1) * height / 2))
        turn, shift = self.to_template[:, :2], self.to_template[:, 2]
        x, y = np.tensordot(np.linalg.inv(turn), template - shift[:, None, None], 1)
        left, right = _range(x, image.shape[1])
        top, bottom = _range(y, image.shape[0])
        if left >= right or top >= bottom:
            return np.full((height, width, 3), fill, np.uint8)
        region = image[top:bottom, left:right]
        small = tuple(max(1, round(n * min(self.scale, 1))) for n in (right - left, bottom - top))
        if small != (right - left, bottom - top):
            region = np.asarray(cv2.resize(region, small, interpolation=cv2.INTER_AREA), np.uint8)
        # Points become the pixel indices that OpenCV uses.
        x = (x - left) * (small[0] / (right - left)) - 0.5
        y = (y - top) * (small[1] / (bottom - top)) - 0.5
        warped = cv2.remap(
            region,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=fill,
        )
        return np.asarray(warped, np.uint8)

    def before(self) -> NDArray[np.float64]:
        """Return the 2 × 3 affine map from picture points to the coordinates that are squashed, for `View.before`.

        The map is half a template pixel off, as in SegFace: its networks were trained with this offset.
        """
        half = 0.5 / self.scale
        before = self._normal()
        before[:, 2] -= before[:, :2] @ np.array([half, half])
        return before

    def to_input(self) -> NDArray[np.float64]:
        """Return the 2 × 3 affine map from squashed coordinates to points of the network's input."""
        height, width = self.size
        return np.array([[width / 2, 0, width / 2], [0, height / 2, height / 2]], np.float64)

    def to_frame(self, reach: float = ALONE) -> NDArray[np.float64]:
        """Return the 2 × 3 affine map from picture points to the square in which the warp counts, [0, 1] × [0, 1]."""
        frame = self._normal() / (2 * reach)
        frame[:, 2] += 0.5
        return frame

    def _normal(self) -> NDArray[np.float64]:
        """Return the 2 × 3 affine map from picture points to the template's square, −1 to 1."""
        normal = self.to_template * (2 / np.array(self.size[::-1], np.float64))[:, None]
        normal[:, 2] -= 1
        return normal


def _range(points: NDArray[np.float64], length: int) -> tuple[int, int]:
    """Return the first and last pixel (excluded) that a warp reads along an axis, with two neighbours on each side."""
    low, high = math.floor(points.min()) - 2, math.ceil(points.max()) + 2
    return min(max(low, 0), length), min(max(high, 0), length)
