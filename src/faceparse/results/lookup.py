"""Tables over label maps.

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
    """`table[labels]`, without NumPy's eight bytes a pixel for indices."""
    return np.asarray(cv2.LUT(labels, table), np.uint8)


def members(ids: Sequence[int]) -> NDArray[np.uint8]:
    """A table of 256 that is 1 for some labels."""
    table = np.zeros(256, np.uint8)
    table[list(ids)] = 1
    return table
