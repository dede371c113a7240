"""The interface of a face detector: one method that takes a picture and returns faces with five landmarks.

>>> from faceparse.faces import YuNet
>>> face, *others = YuNet().detect(image)  # doctest: +SKIP
>>> face.landmarks[2]  # the nose tip  # doctest: +SKIP
array([223.1, 125.0])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faceparse.results.square import Square

_BOX = ((-0.26, -0.31), (0.26, 0.42))
"""Corners of YuNet's box relative to the aligned square's centre, in sides of the square; medians of nine portraits."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One face in a picture, in picture points (pixel (i, j) has its centre at (i + ½, j + ½)).

    Attributes:
        box: (x0, y0, x1, y1), around chin, forehead and cheeks; may reach beyond the picture.
        score: The detector's score, 0 to 1.
        landmarks: Five (x, y) points: the subject's right eye, left eye, nose tip, right mouth
            corner, left mouth corner. On an upright face the subject's right is the picture's left,
            so the first point lies at the left of the picture; on a rotated face the order stays the same.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float64]

    @classmethod
    def from_landmarks(cls, landmarks: NDArray[np.float64]) -> Detection:
        """Make a face with score 1 from landmarks; the box is estimated as YuNet would draw it.

        Args:
            landmarks: 5 × 2 picture points, in the order of the attribute `landmarks`.

        Raises:
            ImageError: not five finite points, or all points in one place.
        """
        square = Square.from_landmarks(landmarks)
        (x, y), side = square.centre, square.side
        low, high = _BOX
        box = (x + low[0] * side, y + low[1] * side, x + high[0] * side, y + high[1] * side)
        return cls(box, 1.0, np.asarray(landmarks, np.float64))

    @property
    def centre(self) -> tuple[float, float]:
        """The centre of the box, (x, y)."""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)


class Detector(Protocol):
    """A face detector, safe to call from several threads at once."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return the faces in an RGB picture (H × W × 3 uint8), at any angle, the highest score first.

        Raises:
            ImageError: not an RGB uint8 picture.
        """
        ...
