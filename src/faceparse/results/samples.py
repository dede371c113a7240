"""What the logits of a view alone say, for sampling: labels of cells, and the classes that may win in them.

>>> import numpy as np
>>> from faceparse.results.samples import samples_of
>>> logits = np.array([[[1, 0]], [[0, 1]]], np.float32)  # two classes on one row of two samples
>>> samples = samples_of(logits)
>>> samples.cell_labels[0]  # with the rim around the grid
array([  0, 255,   1,   1], dtype=uint8)
"""

from __future__ import annotations

from functools import cached_property, reduce
from typing import NamedTuple
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

MIXED = 255
"""Label of a cell whose corners have different winners. No class has this label."""

CELLS = 1 << 14
"""Number of cells whose candidates are computed at a time, which bounds the memory for fine grids."""

NEVER = 500.0
"""A class that lies this far below the highest logit at all samples has the probability 0, in single precision, between
them too: the other classes' highest logit falls there by three quarters of their span at most."""

STEEP = 60.0
"""Span of the possible classes' logits above which each pixel's highest logit must be subtracted before exp()."""


class Candidates(NamedTuple):
    """The classes that may win in mixed cells; a cell's candidates are `start[cell]` to `start[cell] + number[cell]`.

    Attributes:
        number: Number of candidates of each cell, uint8.
        start: Index of each cell's first candidate.
        label: Label of each candidate, ascending within a cell.
        terms: 4 × candidates: a, b, c, d of the candidate's logit a + b·right + c·down + d·right·down.
    """

    number: Labels
    start: Indices
    label: Labels
    terms: Floats

    def logits(self, which: Indices, down: Floats, right: Floats) -> Floats:
        """Return the logits of candidate `which[i]` at the pixels of site i, p × q × len(which).

        Args:
            which: Indices of candidates.
            down, right: Places of the pixels in their cell, 0 to 1, p × n and q × n, of at least as many sites.
        """
        down, right = down[:, : len(which)], right[:, : len(which)]
        a, b, c, d = self.terms.take(which, axis=1)
        values: Floats = (b + d * down)[:, None] * right
        values += (a + c * down)[:, None]
        return values


class Samples:
    """The logits of a view, prepared for sampling; a rim repeats the edge samples, as the logits beyond the grid do.

    Args:
        logits: Classes × h × w.

    Attributes:
        logits: The logits.
        classes: Number of classes.
        values: The logits with their rim, classes × (h + 2) × (w + 2).
        across: Number of samples in a row, w + 2.
        winners: The label with the highest logit at each sample; in a tie, the lowest.
        mixed: Whether each cell, which has the index of its upper left sample, has corners with different winners.
        cell_labels: The label of each cell, or `MIXED`.
    """

    def __init__(self, logits: Floats) -> None:
        self.logits = logits
        self.classes = len(logits)
        self.values = np.pad(logits, ((0, 0), (1, 1), (1, 1)), mode="edge")
        self.across = logits.shape[2] + 2
        self.winners = argmax(self.values)
        first, *others = (self.winners[i : i - 1 or None, j : j - 1 or None] for i in (0, 1) for j in (0, 1))
        self.mixed = np.zeros(self.winners.shape, np.bool_)
        for other in others:
            self.mixed[:-1, :-1] |= other != first
        self.cell_labels = np.where(self.mixed, np.uint8(MIXED), self.winners)

    @cached_property
    def borders(self) -> NDArray[np.int32]:
        """How many cells above and left of each sample are mixed or differ from the next cell to the right or below."""
        cells = self.cell_labels
        border = self.mixed.copy()
        border[:, :-1] |= cells[:, :-1] != cells[:, 1:]
        border[:-1] |= cells[:-1] != cells[1:]
        return np.pad(border.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32), ((1, 0), (1, 0)))

    @cached_property
    def candidates(self) -> Candidates:
        """The classes that may win in each mixed cell."""
        cells = np.flatnonzero(self.mixed)
        parts = [self._compared(cells[i : i + CELLS]) for i in range(0, cells.size, CELLS)]
        counts, label, terms = (np.concatenate(p, axis=-1) for p in zip(*parts, strict=True))
        number, start = np.zeros(self.mixed.size, np.uint8), np.zeros(self.mixed.size, np.intp)
        number[cells], start[cells] = counts, np.cumsum(counts, dtype=np.intp) - counts
        return Candidates(number, start, label, terms)

    def _compared(self, cells: Indices) -> tuple[Labels, Labels, Floats]:
        """Return the number of candidates of each cell, and all candidates' labels and terms, cell by cell."""
        flat, winners = self.values.reshape(self.classes, -1), self.winners.reshape(-1)
        corners = [cells, cells + 1, cells + self.across, cells + self.across + 1]
        logits = [flat.take(corner, axis=1) for corner in corners]
        # Per class, the least over the winners of its largest lead at a corner.
        reach = np.full_like(logits[0], np.inf)
        for winner in (winners[corner] for corner in corners):
            lead = (values - flat[winner, corner] for values, corner in zip(logits, corners, strict=True))
            np.minimum(reach, reduce(np.maximum, lead), out=reach)
        possible = reach >= 0
        cell, label = np.nonzero(possible.T)
        a, b, c, d = (one[label, cell] for one in logits)
        terms = np.stack([a, b - a, c - a, d - b - c + a])
        return possible.sum(0, dtype=np.uint8), label.astype(np.uint8), terms

    @property
    def possible(self) -> Indices:
        """The classes whose probability is not 0 everywhere, ascending; a view may exclude most classes."""
        return self._levels[0]

    @property
    def level(self) -> Floats:
        """The samples of the possible classes minus each sample's highest logit, so that exp() does not overflow."""
        return self._levels[1]

    @cached_property
    def _levels(self) -> tuple[Indices, Floats]:
        level: Floats = self.values - self.values.max(0)
        possible = np.flatnonzero(level.max((1, 2)) >= -NEVER)
        if len(possible) < self.classes:
            some = level[possible]
            if some.min() >= -NEVER:
                return possible, some
        return np.arange(self.classes), level

    @cached_property
    def by_sample(self) -> Floats:
        """The levels, sample by sample: samples × possible classes."""
        return np.ascontiguousarray(self.level.reshape(len(self.possible), -1).T)

    @cached_property
    def is_steep(self) -> bool:
        """Whether a pixel's highest logit must be subtracted before exp()."""
        return bool(self.level.min() < -STEEP)


_shared: WeakValueDictionary[int, Samples] = WeakValueDictionary()


def samples_of(logits: Floats) -> Samples:
    """Return the samples of a read-only array of logits; while somebody holds them, they are not computed again."""
    samples = _shared.get(id(logits))
    if samples is None:
        samples = _shared[id(logits)] = Samples(logits)
    return samples


def argmax(logits: Floats) -> Labels:
    """Return the first index of the maximum along the first axis, faster than NumPy does."""
    best, label = logits[0].copy(), np.zeros(logits.shape[1:], np.uint8)
    for i, values in enumerate(logits[1:], 1):
        np.copyto(label, np.uint8(i), where=values > best)
        np.maximum(best, values, out=best)
    return label


def highest_probability(logits: Floats) -> Floats:
    """Return the highest softmax probability along the first axis."""
    return np.asarray(1 / np.exp(logits - logits.max(0)).sum(0))
