"""The squash of LaPa's warp: the middle stays, what is far out is drawn in.

>>> import numpy as np
>>> squash(np.array([-5.0, 0.1, 1.0])).round(3)
array([-1.   ,  0.1  ,  0.809])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIDDLE = 0.2
"""Coordinates up to this stay what they are."""

LIMIT = 0.999
"""The inverse's arctanh goes up to this, so that no sample lies infinitely far out."""

Doubles = NDArray[np.float64]


def squash(n: Doubles) -> Doubles:
    """Any coordinate → −1 to 1: |n| beyond 0.2 becomes 0.2 + 0.8 · tanh((|n| − 0.2) / 0.8).

    As RoI Tanh-warping (Lin et al., https://arxiv.org/abs/1906.01342) and SegFace do it.
    """
    far = np.abs(n)
    drawn_in = MIDDLE + (1 - MIDDLE) * np.tanh((far - MIDDLE) / (1 - MIDDLE))
    return np.where(far <= MIDDLE, n, np.copysign(drawn_in, n))


def unsquash(n: Doubles) -> Doubles:
    """The inverse, for coordinates from −1 to 1; up to about ±3.2, where `LIMIT` ends it."""
    far = np.abs(n)
    spread = np.arctanh(np.clip((far - MIDDLE) / (1 - MIDDLE), -LIMIT, LIMIT))
    return np.where(far <= MIDDLE, n, np.copysign(MIDDLE + (1 - MIDDLE) * spread, n))
