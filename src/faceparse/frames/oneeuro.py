"""The one-euro filter: still values do not tremble, fast values do not lag.

>>> import numpy as np
>>> smoothed = OneEuro()
>>> smoothed(np.array([10.0]), 0.0)
array([10.])
>>> smoothed(np.array([12.0]), 1 / 30)
array([10.3463...])

Casiez, Roussel, Vogel: 1€ Filter, a simple speed-based low-pass filter for noisy input in interactive systems, 2012.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class OneEuro:
    """A low-pass filter whose cutoff frequency rises with the speed of the value.

    Args:
        cutoff: Cutoff frequency of a still value, Hz; a lower one trembles less.
        beta: Growth of the cutoff frequency with speed: Hz per (unit / second); a higher one lags less.
        speed_cutoff: Cutoff frequency of the speed, Hz.

    Attributes:
        value: The filtered value; None before the first call. Set it to move the filter along with the measured object.
    """

    def __init__(self, cutoff: float = 1.0, beta: float = 0.0, speed_cutoff: float = 1.0) -> None:
        self.cutoff, self.beta, self.speed_cutoff = cutoff, beta, speed_cutoff
        self.value: Values | None = None
        self._speed: Values | float = 0.0
        self._time = -math.inf

    def __call__(self, value: Values, time: float, unit: float = 1.0) -> Values:
        """Return the filtered value.

        Args:
            value: The measured value, an array of any shape.
            time: Time of the value in seconds; a time not after the last one restarts the filter.
            unit: Unit of length for speeds, as a multiple of the unit of `value`: for landmarks, the face's side.
        """
        step = time - self._time
        self._time = time
        if self.value is None or step <= 0:
            self.value, self._speed = np.asarray(value, np.float64), 0.0
            return self.value
        change = value - self.value
        self._speed += _gain(self.speed_cutoff, step) * (change / (step * unit) - self._speed)
        self.value = self.value + _gain(self.cutoff + self.beta * np.abs(self._speed), step) * change
        return self.value


def _gain(cutoff: Values | float, step: float) -> Values | float:
    """Return the weight of a new value, from the cutoff frequency in Hz and the seconds since the last value."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * step))
