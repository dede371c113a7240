"""Lookup tables for label maps.

>>> import numpy as np
>>> look_up(members((1, 3)), np.array([[0, 1, 2, 3]], np.uint8)).tolist()
[[0, 1, 0, 1]]
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray


def look_up(table: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `table[labels]`, without the eight bytes a pixel that NumPy needs for indices."""
    return np.asarray(cv2.LUT(labels, table), np.uint8)


def members(ids: Sequence[int]) -> NDArray[np.uint8]:
    """Return a table of 256 uint8 that is 1 at `ids` and 0 elsewhere."""
    table = np.zeros(256, np.uint8)
    table[list(ids)] = 1
    return table
