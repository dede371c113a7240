"""Quarter turns of pictures: detection of faces in the upright turn, and the mapping back to the original picture.

>>> import numpy as np
>>> turn = Turn(1, (480, 640))  # a quarter turn counter-clockwise
>>> turn.apply(np.zeros((480, 640, 3), np.uint8)).shape
(640, 480, 3)
>>> turn.back(turn.to_turned[:, 2]).tolist()  # the picture's upper left corner
[0.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparse.faces.detector import Detection, Detector
from faceparse.results.square import Square
from faceparse.results.view import View

UPRIGHT = 45.0
"""Largest angle, in degrees, of a face that counts as upright."""
CLEAR = 0.9
"""Score of an upright face that ends the search: 0.9 to 0.95 in upright portraits, at most 0.9 in a wrong turn."""
BETTER = 0.03
"""Least gain in score for choosing another turn. Of 171 turned Figaro pictures with a clear face, 3 stay turned."""
TURNED_SCORE = 0.8
"""Least score of a face in another turn."""
SIDE = 640
"""Longer side, in pixels, of the reduced picture in which other turns are tried."""


@dataclass(frozen=True)
class Turn:
    """A counter-clockwise rotation of a picture by quarter turns.

    Attributes:
        quarters: Number of quarter turns, 0 to 3.
        size: Height and width of the original picture.
    """

    quarters: int
    size: tuple[int, int]

    @classmethod
    def of(cls, face: Detection, size: tuple[int, int]) -> Turn:
        """Return the turn in which a face is nearest to upright."""
        return cls(round(Square.from_landmarks(face.landmarks).angle / 90) % 4, size)

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the turned picture."""
        return image if not self.quarters else np.ascontiguousarray(np.rot90(image, self.quarters))

    @property
    def to_turned(self) -> NDArray[np.float64]:
        """2 × 3 affine map from points of the original picture to points of the turned picture."""
        height, width = self.size
        rows = {
            0: ((1, 0, 0), (0, 1, 0)),
            1: ((0, 1, 0), (-1, 0, width)),
            2: ((-1, 0, width), (0, -1, height)),
            3: ((0, -1, height), (1, 0, 0)),
        }
        return np.array(rows[self.quarters], np.float64)

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points of the turned picture to the original; (x, y) along the last axis."""
        to_turned = self.to_turned
        return np.asarray(
            (points - to_turned[:, 2]) @ to_turned[:, :2]
        )  # a rotation's inverse is its transpose

    def forth(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points of the original picture to the turned picture; (x, y) along the last axis."""
        return np.asarray(points @ self.to_turned[:, :2].T + self.to_turned[:, 2])

    def face(self, face: Detection) -> Detection:
        """Map a face of the original picture to the turned picture."""
        return _moved(face, self.forth) if self.quarters else face

    def face_back(self, face: Detection) -> Detection:
        """Map a face of the turned picture to the original."""
        return _moved(face, self.back) if self.quarters else face

    def view_back(self, view: View) -> View:
        """Map a view of the turned picture to the original."""
        if not self.quarters:
            return view
        whole = np.vstack([self.to_turned, [0, 0, 1]])
        frame = None if view.frame is None else view.frame @ whole
        if view.before is not None:
            return replace(view, frame=frame, before=view.before @ whole)
        return replace(view, frame=frame, to_grid=view.to_grid @ whole)


def detect_upright(detector: Detector, image: NDArray[np.uint8]) -> tuple[Turn, tuple[Detection, ...]]:
    """Return the turn in which faces are upright, and the faces in points of the turned picture.

    If the first detection has a clear upright face, the picture is not turned. Else the other three turns are
    tried; the best turn wins if its score is clearly higher.
    """
    size = image.shape[:2]
    faces = detector.detect(image)
    score = _score(faces)
    if score >= CLEAR:
        return Turn(0, size), faces
    small = _small(image)
    scores = {q: _score(detector.detect(Turn(q, size).apply(small))) for q in (1, 2, 3)}
    best = max(scores, key=lambda quarters: scores[quarters])
    if scores[best] < max(TURNED_SCORE, score + BETTER):
        return Turn(0, size), faces
    turn = Turn(best, size)
    return turn, detector.detect(turn.apply(image))


def _moved(face: Detection, move: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Detection:
    corners = move(np.array(face.box).reshape(2, 2))
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    return Detection((float(x0), float(y0), float(x1), float(y1)), face.score, move(face.landmarks))


def _score(faces: tuple[Detection, ...]) -> float:
    """Return the highest score of an upright face; 0 without one."""
    upright = (f for f in faces if abs(Square.from_landmarks(f.landmarks).angle) <= UPRIGHT)
    return max((face.score for face in upright), default=0.0)


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    scale = SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
