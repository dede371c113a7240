"""Where in a picture a group of classes may be, told from the networks' grids: a mask need be rendered only there.

>>> import numpy as np
>>> from faceparse.results import View
>>> logits = np.zeros((2, 100, 100), np.float32)
>>> logits[1] = -9
>>> logits[1, 50, 50] = 9
>>> reach([View(logits, np.eye(2, 3) / 10)], (1000, 1000), [1])
Area(y0=384, y1=640, x0=384, x1=640)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceparse.results.edges import BLOCK, Doubles, Points, cell, inverse, mapped, to_picture
from faceparse.results.sampling import Area
from faceparse.results.view import View

FAINT = 1 / 512
"""Half a step of 8 bits."""
NEAR = 3
"""Cells around the other samples: neighbours are interpolated, and edges move masks by two cells."""
FAR = 1e6
"""Cells to the end of the picture: the samples at a grid's border count beyond it too."""


def reach(views: Sequence[View], size: tuple[int, int], ids: Sequence[int], faint: float = FAINT) -> Area:
    """Return the box of the picture outside which none of the labels `ids` is more than faintly probable.

    Its sides are multiples of `edges.BLOCK`, or the picture's, so that rendering it alone changes nothing in it.

    Args:
        views: Views of the same classes.
        size: Height and width of the picture, px.
        ids: Labels of the classes.
        faint: Probability at a grid's sample that counts as none.
    """
    everywhere = np.array([[0, 0], size[::-1]], np.float64)
    boxes = (
        [everywhere]
        if 0 in ids
        else [box for v in views if (box := _box(v, everywhere, ids, faint)) is not None]
    )
    if not boxes:
        return Area(0, 0, 0, 0)
    low = np.min([box[0] for box in boxes], 0) // BLOCK * BLOCK
    high = -(-np.max([box[1] for box in boxes], 0) // BLOCK) * BLOCK
    (x0, y0), (x1, y1) = np.clip([low, high], 0, everywhere[1]).astype(int).tolist()
    return Area(y0, y1, x0, x1)


def _box(view: View, everywhere: Doubles, ids: Sequence[int], faint: float) -> Doubles | None:
    """Lower and upper x, y of one view's box; None where the classes are nowhere."""
    numerators = np.exp(view.logits - view.logits.max(0))
    spots = np.argwhere(numerators[list(ids)].sum(0) > faint * numerators.sum(0))[:, ::-1]
    if not spots.size:
        return None
    last = np.array(view.logits.shape[:0:-1]) - 1
    low, high = spots.min(0) - NEAR, spots.max(0) + NEAR
    ends = low <= 0, high >= last
    box = everywhere
    if cell(view) and not (view.before is not None and np.any(ends)):
        corners = np.where(ends[0], -FAR, low), np.where(ends[1], FAR, high)
        box = _bounds(to_picture(view, _square(*corners)))
    if view.frame is not None and np.linalg.det(view.frame[:, :2]):
        frame = _bounds(mapped(inverse(view.frame), _square(np.zeros(2), np.ones(2))))
        box = np.stack([np.maximum(box[0], frame[0]), np.minimum(box[1], frame[1])])
    return box if (box[0] < box[1]).all() else None


def _square(low: Doubles, high: Doubles) -> Points:
    x, y = np.meshgrid(*np.stack([low, high], -1))
    return x, y


def _bounds(points: Points) -> Doubles:
    return np.array([[v.min() for v in points], [v.max() for v in points]])
