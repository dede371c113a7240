"""Run lengths of masks as COCO has them, compressed; pycocotools reads them.

>>> import numpy as np
>>> encode(np.array([[0, 1, 1], [0, 1, 0]], np.uint8), [(1,)])
[Runs(counts='231', area=3, box=(1, 0, 2, 2))]

COCO runs down the columns: how many pixels outside, then inside, then outside … Its compressed form, that of
`maskApi.c` (github.com/cocodataset/cocoapi), writes each count from the fourth on less the one two before it,
in groups of five bits, the lowest first, as characters from '0' on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.results.sampling import Indices

GROUPS = 13
"""Groups of five bits that an int64 may take."""


class Runs(NamedTuple):
    """A mask as COCO stores it.

    Attributes:
        counts: The compressed run lengths.
        area: Pixels.
        box: x, y, width, height in pixels; all 0 where the mask is empty.
    """

    counts: str
    area: int
    box: tuple[int, int, int, int]


def encode(labels: NDArray[np.uint8], groups: Sequence[Sequence[int]]) -> list[Runs]:
    """The masks of some groups of labels in a label map, H × W uint8."""
    height = len(labels)
    columns = np.ascontiguousarray(labels.T).reshape(-1)
    starts = np.flatnonzero(np.concatenate(([True], columns[1:] != columns[:-1])))
    values, total = columns[starts], columns.size
    masks = []
    for ids in groups:
        chosen = np.zeros(256, np.bool_)
        chosen[list(ids)] = True
        inside = chosen[values]
        # Neighbouring runs of two labels of one group are one run of the mask.
        turns = starts[np.flatnonzero(np.diff(inside, prepend=False))]
        edges = np.append(turns, total) if len(turns) % 2 else turns
        counts = np.diff(edges, prepend=0, append=total)
        masks.append(Runs(compressed(counts if counts[-1] else counts[:-1]), *_extent(edges, height)))
    return masks


def _extent(edges: Indices, height: int) -> tuple[int, tuple[int, int, int, int]]:
    """Area, and box as x, y, width, height, of the runs from every even edge to the next one."""
    if not edges.size:
        return 0, (0, 0, 0, 0)
    first, last = edges[::2], edges[1::2] - 1
    left, right = first[0] // height, last[-1] // height
    across = first // height != last // height  # over a column's end: from top to bottom
    top = 0 if across.any() else (first % height).min()
    bottom = height - 1 if across.any() else (last % height).max()
    box = int(left), int(top), int(right - left) + 1, int(bottom - top) + 1
    return int((last - first + 1).sum()), box


def compressed(counts: Indices) -> str:
    """Run lengths in COCO's compressed form."""
    values = counts.copy()
    values[3:] -= counts[1:-2]
    shifts = 5 * np.arange(GROUPS)
    rest = values[:, None] >> shifts + 5  # what comes after each group
    bits = values[:, None] >> shifts & 31
    # The last group is the one whose top bit carries the sign of all that comes after.
    done = np.where(bits & 16, rest == -1, rest == 0)
    length = done.argmax(1)
    place = np.arange(GROUPS)
    more = place < length[:, None]
    coded = (bits | more << 5) + 48
    return bytes(coded[place <= length[:, None]].astype(np.uint8)).decode("ascii")
