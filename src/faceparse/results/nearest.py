"""The face that each point of a picture belongs to.

>>> import numpy as np
>>> nearest_box([(0, 0, 4, 4), (6, 0, 10, 4)], np.array([1.0, 4.9, 5.1]), np.array(2.0)).tolist()
[0, 0, 1]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]


def nearest_box(
    boxes: Sequence[tuple[float, float, float, float]], x: Numbers, y: Numbers
) -> NDArray[np.intp]:
    """Return the index of the box nearest to each point.

    The distance is that from the point to the box's centre, divided by the box's longer side.

    Args:
        boxes: Boxes as x0, y0, x1, y1; at least one.
        x: The points' x, an array that broadcasts with `y`.
        y: The points' y.
    """
    index = np.zeros(np.broadcast(x, y).shape, np.intp)
    least: Any = np.inf
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        side = max(x1 - x0, y1 - y0)
        across, down = (x - (x0 + x1) / 2) / side, (y - (y0 + y1) / 2) / side
        far = across.astype(np.float32) ** 2 + down.astype(np.float32) ** 2
        index[far < least] = number
        least = np.minimum(least, far)
    return index
