"""One face found in a picture."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ResultError
from faceparse.results.view import frozen

if TYPE_CHECKING:
    from faceparse.results.parsing import Parsing


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """Where a face is, how sure the detector was, and what its own view says.

    >>> import numpy as np
    >>> from faceparse.results import Face
    >>> points = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])
    >>> Face((10, 10, 90, 100), 0.9, points).size
    (80.0, 90.0)

    Args:
        box: x0, y0, x1, y1 in picture points; may reach beyond the picture.
        score: The detector's, 0 to 1.
        landmarks: 5 × 2 picture points (x, y): image-left eye, image-right eye, nose tip, image-left and
            image-right mouth corner, as seen with the face upright. Image-left is the subject's right:
            what YuNet calls the right eye comes first.
        part: The parsing by this face's own views alone, or None.

    Raises:
        ResultError: a box of no extent, a score outside 0 to 1, landmarks not 5 × 2, a value not finite.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float64]
    part: Parsing | None = None

    def __post_init__(self) -> None:
        box = tuple(float(v) for v in self.box)
        if len(box) != 4 or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise ResultError(f"a face's box is x0, y0, x1, y1 with x0 < x1 and y0 < y1, got {box}")
        if not 0 <= self.score <= 1:
            raise ResultError(f"a face's score is 0 to 1, got {self.score}")
        landmarks = np.array(self.landmarks, np.float64)
        if landmarks.shape != (5, 2) or not np.isfinite(landmarks).all():
            raise ResultError(f"a face's landmarks are 5 finite points (x, y), got shape {landmarks.shape}")
        object.__setattr__(self, "box", box)
        object.__setattr__(self, "score", float(self.score))
        object.__setattr__(self, "landmarks", frozen(landmarks))

    def __reduce__(self) -> tuple[object, ...]:
        return (Face, tuple(getattr(self, f.name) for f in fields(self)))

    def __repr__(self) -> str:
        box = ", ".join(f"{v:.0f}" for v in self.box)
        return f"<Face: box ({box}), score {self.score:.2f}>"

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the box in pixels."""
        x0, y0, x1, y1 = self.box
        return x1 - x0, y1 - y0
