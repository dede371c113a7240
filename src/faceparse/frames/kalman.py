"""Boxes: a Kalman filter that predicts where a face's box will be, and the overlap of two.

>>> filtered = Kalman((0, 0, 10, 10), 0.0)
>>> filtered.predict(0.1)
>>> filtered.update((2, 0, 12, 10))
>>> filtered.predict(0.2)
>>> filtered.box[0] > 2
True
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Kalman:
    """A Kalman filter of a box's centre and size, and of their velocities.

    Standard deviations, in units of the box's side: 1/20 of a measurement; within 1/30 s, the place drifts by 1/20 and
    the velocity by 1/8 per second.
    """

    def __init__(self, box: Sequence[float], time: float) -> None:
        self.mean = np.stack([_centre_and_size(box), np.zeros(4)])
        self.covariance = np.diag([0.05**2, 1.0])
        self.time = time

    def predict(self, time: float) -> None:
        step = max(time - self.time, 0.0)
        self.time = time
        ahead = np.array([[1, step], [0, 1]])
        self.mean = ahead @ self.mean
        noise = np.diag([0.05**2, 0.125**2]) * (30 * step)
        self.covariance = ahead @ self.covariance @ ahead.T + noise

    def update(self, box: Sequence[float]) -> None:
        gain = self.covariance[0] / (self.covariance[0, 0] + 0.05**2)
        self.mean = self.mean + gain[:, None] * (_centre_and_size(box) - self.mean[0])
        self.covariance = self.covariance - np.outer(gain, self.covariance[0])

    @property
    def box(self) -> tuple[float, ...]:
        centre, size = self.mean[0].reshape(2, 2)
        return (*(centre - size / 2).tolist(), *(centre + size / 2).tolist())


def _centre_and_size(box: Sequence[float]) -> Array:
    low, high = np.array(box, np.float64).reshape(2, 2)
    return np.concatenate([(low + high) / 2, high - low])


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    shared = _shared(a, b)
    return shared / max(_area(a) + _area(b) - shared, 1e-9)


def share_covered(box: Sequence[float], other: Sequence[float]) -> float:
    """Return the share of a box that another one covers, 0 to 1."""
    return _shared(box, other) / max(_area(box), 1e-9)


def _shared(a: Sequence[float], b: Sequence[float]) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    return float(np.prod(np.maximum(high - low, 0.0)))


def _area(box: Sequence[float]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
