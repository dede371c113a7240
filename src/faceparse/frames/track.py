"""A face that keeps its number from frame to frame: where it is, how it looks, and how it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.frames.kalman import Kalman
from faceparse.frames.oneeuro import OneEuro

HEAD = 1.5
"""Side of a head, in sides of its face."""

Array = NDArray[np.float64]


@dataclass(eq=False)
class Track:
    """A face with its number.

    Attributes:
        id: The face's number, from 1.
        face: The face as it was last observed.
        stamp: Its stored stamp (`faceparse.frames.stamp`).
        kalman: Its predicted box.
        detected: Time in seconds of its last detection.
        begun: Time in seconds of its first detection.
        seen: Time in seconds at which it was last detected or followed.
        here: Whether its place still counts; False after a cut.
        predicted: Whether its place is only predicted, since it was neither detected nor followed.
        behind: Whether another head hides much of it.
        motion: 2 × 3 map of its points from the last frame to this one; None if unknown: for a new or lost face.
        smoothed: The filter of its landmarks.
    """

    id: int
    face: Detection
    stamp: Array
    kalman: Kalman
    begun: float
    detected: float
    seen: float
    here: bool = True
    motion: Array | None = None
    predicted: bool = False
    behind: bool = False
    smoothed: OneEuro = field(default_factory=lambda: OneEuro(cutoff=0.5, beta=8.0))

    def observe(self, face: Detection, time: float) -> None:
        """Note where the face is at a time, to which its box was predicted."""
        self.kalman.update(face.box)
        self.face, self.seen, self.here, self.predicted = face, time, True, False


def head(box: Sequence[float]) -> tuple[float, ...]:
    """Return a face's box enlarged to its head."""
    low, high = np.array(box, np.float64).reshape(2, 2)
    centre, half = (low + high) / 2, HEAD * (high - low) / 2
    return (*(centre - half).tolist(), *(centre + half).tolist())
