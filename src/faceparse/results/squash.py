"""The squash of LaPa's warp: coordinates near 0 stay, larger ones are compressed to −1 to 1.

>>> import numpy as np
>>> squash(np.array([-5.0, 0.1, 1.0])).round(3)
array([-1.   ,  0.1  ,  0.809])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIDDLE = 0.2
"""Largest absolute coordinate that stays the same."""

LIMIT = 0.999
"""Largest argument of the inverse's arctanh, so that no sample lies infinitely far out."""

Doubles = NDArray[np.float64]


def squash(n: Doubles) -> Doubles:
    """Compress coordinates to −1 to 1: |n| above 0.2 becomes 0.2 + 0.8 · tanh((|n| − 0.2) / 0.8).

    RoI Tanh-warping (Lin et al., https://arxiv.org/abs/1906.01342) and SegFace use this function.
    """
    far = np.abs(n)
    drawn_in = MIDDLE + (1 - MIDDLE) * np.tanh((far - MIDDLE) / (1 - MIDDLE))
    return np.where(far <= MIDDLE, n, np.copysign(drawn_in, n))


def unsquash(n: Doubles) -> Doubles:
    """Invert `squash` for coordinates from −1 to 1; `LIMIT` bounds the result to about ±3.2."""
    far = np.abs(n)
    spread = np.arctanh(np.clip((far - MIDDLE) / (1 - MIDDLE), -LIMIT, LIMIT))
    return np.where(far <= MIDDLE, n, np.copysign(MIDDLE + (1 - MIDDLE) * spread, n))
