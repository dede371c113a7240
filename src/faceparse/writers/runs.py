"""Compressed run lengths of masks in COCO's format, readable by pycocotools.

>>> import numpy as np
>>> encode(np.array([[0, 1, 1], [0, 1, 0]], np.uint8), [(1,)])
[Runs(counts='231', area=3, box=(1, 0, 2, 2))]

COCO counts down the columns: pixels outside, then inside, then outside, and so on. The compressed form of
`maskApi.c` (github.com/cocodataset/cocoapi) replaces each count from the fourth on by its difference from the
count two before. Each number becomes groups of five bits, lowest first; each group becomes a character,
counted from '0'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError
from faceparse.labels import IGNORE
from faceparse.results.samples import Indices

GROUPS = 13
"""Largest number of five-bit groups in an int64."""


class Runs(NamedTuple):
    """A mask as COCO stores it.

    Attributes:
        counts: The compressed run lengths.
        area: Number of pixels inside.
        box: x, y, width, height in pixels; all 0 for an empty mask.
    """

    counts: str
    area: int
    box: tuple[int, int, int, int]


def encode(labels: NDArray[np.uint8], groups: Sequence[Sequence[int]]) -> list[Runs]:
    """Return one mask for each group of labels in a label map, H × W uint8."""
    height = len(labels)
    columns = np.ascontiguousarray(labels.T).reshape(-1)
    starts = np.flatnonzero(np.concatenate(([True], columns[1:] != columns[:-1])))
    values, total = columns[starts], columns.size
    masks = []
    for ids in groups:
        chosen = np.zeros(256, np.bool_)
        chosen[list(ids)] = True
        inside = chosen[values]
        # Adjacent runs of two labels in one group merge to one run of the mask.
        turns = starts[np.flatnonzero(np.diff(inside, prepend=False))]
        edges = np.append(turns, total) if len(turns) % 2 else turns
        counts = np.diff(edges, prepend=0, append=total)
        masks.append(Runs(compressed(counts if counts[-1] else counts[:-1]), *_extent(edges, height)))
    return masks


def _extent(edges: Indices, height: int) -> tuple[int, tuple[int, int, int, int]]:
    """Return area and box (x, y, width, height) of a mask; runs go from every even edge to the next edge."""
    if not edges.size:
        return 0, (0, 0, 0, 0)
    first, last = edges[::2], edges[1::2] - 1
    left, right = first[0] // height, last[-1] // height
    across = first // height != last // height  # a run over a column's end touches top and bottom
    top = 0 if across.any() else (first % height).min()
    bottom = height - 1 if across.any() else (last % height).max()
    box = int(left), int(top), int(right - left) + 1, int(bottom - top) + 1
    return int((last - first + 1).sum()), box


def compressed(counts: Indices) -> str:
    """Return run lengths in COCO's compressed form."""
    values = counts.copy()
    values[3:] -= counts[1:-2]
    shifts = 5 * np.arange(GROUPS)
    rest = values[:, None] >> shifts + 5  # the bits after each group
    bits = values[:, None] >> shifts & 31
    # The last group is the first one whose top bit equals the sign of all bits after it.
    done = np.where(bits & 16, rest == -1, rest == 0)
    length = done.argmax(1)
    place = np.arange(GROUPS)
    more = place < length[:, None]
    coded = (bits | more << 5) + 48
    return bytes(coded[place <= length[:, None]].astype(np.uint8)).decode("ascii")


def decode(masks: Iterable[tuple[int, str]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the label map of masks that do not overlap, H × W uint8; pixels in no mask are 255, ignore.

    >>> decode([(1, "231")], (2, 3)).tolist()
    [[255, 1, 1], [255, 1, 255]]

    Args:
        masks: Label and compressed run lengths of each mask.
        size: Height and width.

    Raises:
        DataError: run lengths that are damaged or do not fit the size.
    """
    columns = np.full(size[0] * size[1], IGNORE, np.uint8)
    for label, counts in masks:
        ends = np.cumsum(decompressed(counts))
        if (
            not 0 <= label <= IGNORE
            or (np.diff(ends, prepend=0) < 0).any()
            or ends[-1:].tolist() not in ([], [columns.size])
        ):
            raise DataError(
                f"run lengths of label {label} are damaged, or not of a mask of {size[1]}×{size[0]} px"
            )
        for first, last in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=False):
            columns[first:last] = label
    return np.ascontiguousarray(columns.reshape(size[1], size[0]).T)


def decompressed(counts: str) -> Indices:
    """Return the run lengths in COCO's compressed form, the reverse of `compressed`.

    Raises:
        DataError: characters or numbers that `compressed` does not write.
    """
    groups = np.frombuffer(counts.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(groups & 32 == 0)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)[: ends.size]
    lengths = ends - starts + 1
    if not groups.size:
        return groups
    if groups.min() < 0 or groups.max() > 63 or groups[-1] & 32 or lengths.max() > GROUPS - 1:
        raise DataError(f"{counts[:40]!r} is no compressed run lengths of COCO's format")
    place = np.arange(groups.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((groups & 31) << 5 * place, starts)
    values -= np.where(groups[ends] & 16, np.int64(1) << 5 * lengths, 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
