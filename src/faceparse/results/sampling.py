"""Exact bilinear interpolation of one view's logits, with little work.

A *cell* lies between four neighbouring samples, its corners. A bilinear logit is a weighted mean of the four
corners. So a class that wins at all four corners wins in the whole cell, and a class that is below another
class at all four corners wins nowhere in the cell. Only the other classes, few classes in few cells, are
sampled. Probabilities need all classes that are possible in the view, so they are sampled at every pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from faceparse.results.samples import MIXED, Doubles, Flags, Floats, Indices, Labels, samples_of
from faceparse.results.squash import squash
from faceparse.results.view import View

Index = tuple[Indices | slice, Indices | slice]

CHUNK = 1 << 15
"""Number of pixels sampled at a time for labels, so that the buffers stay in the processor's cache."""

DENSE_CHUNK = 1 << 18
"""Number of logits sampled at a time for probabilities, so that the buffers stay in the processor's cache."""

LONGEST_RUN = 128
"""Maximal number of a cell's pixels in one site along an axis, which bounds the memory for coarse grids."""


class Area(NamedTuple):
    """A rectangle of the picture: rows y0 to y1, columns x0 to x1, ends excluded."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.y1 - self.y0, self.x1 - self.x0


class Sites(NamedTuple):
    """Pixels to sample, grouped by cell: each of the n sites holds p rows × q columns of pixels of one cell.

    Sites run along the last axis, because there are many sites with few pixels each, and NumPy is fast along
    the last axis.

    Attributes:
        cell: Index of each site's cell, n; a cell has the index of its upper left sample.
        row, column: Pixel indices in an area, p × n and q × n; the last index repeats if a site has fewer
            pixels.
        down, right: Place of the pixels in the cell, 0 to 1, p × n and q × n.
    """

    cell: Indices
    row: Indices
    column: Indices
    down: Floats
    right: Floats

    def take(self, which: Indices) -> Sites:
        """Return the sites with the indices `which`."""
        row, column = self.row.take(which, axis=1), self.column.take(which, axis=1)
        down, right = self.down.take(which, axis=1), self.right.take(which, axis=1)
        return Sites(self.cell[which], row, column, down, right)


class Sampler:
    """A view prepared for sampling in any area of the picture; `pixels` limits sampling to some pixels of the area.

    Attributes:
        view: The view.
        classes: Number of classes.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._map, self._before = view.to_grid, view.before
        self._upright = self._before is None and bool(self._map[0, 1] == self._map[1, 0] == 0)
        self.classes, self._height, self._width = view.logits.shape
        self._samples = samples_of(view.logits)

    @property
    def possible(self) -> Indices:
        """The classes whose probability in this view is not 0 everywhere, ascending."""
        return self._samples.possible

    @property
    def is_coarse(self) -> bool:
        """Whether the grid is upright and its cells are so large that `labels` works cell by cell."""
        return self._upright and bool(np.abs(self._map[:, :2]).max() < 1 / 3)

    def labels(self, area: Area) -> Labels:
        """Return the most probable label of each pixel of an area, if the grid is coarse; in a tie, the lowest."""
        (row_cells, down), (column_cells, right) = self._axes(area)
        out: Labels = self._samples.cell_labels.take(column_cells, axis=1).take(row_cells, axis=0)
        row_cell, row, down = _runs(row_cells, down)
        column_cell, column, right = _runs(column_cells, right)
        i, j = np.nonzero(self._samples.mixed[row_cell[:, None], column_cell])
        cell = row_cell[i] * self._samples.across + column_cell[j]
        self._settle(Sites(cell, row[:, i], column[:, j], down[:, i], right[:, j]), out)
        return out

    def labels_at(self, rows: Indices, columns: Indices) -> Labels:
        """Return the most probable label of pixels; rows and columns broadcast. In a tie, the lowest label."""
        x, y = self._positions(rows, columns)
        cell = self._cell_index(x, y)
        out: Labels = self._samples.cell_labels.reshape(-1).take(cell)
        flat = out.reshape(1, -1)
        (which,) = np.nonzero(flat[0] == MIXED)
        x, y = x.reshape(-1)[which], y.reshape(-1)[which]
        down, right = _places(y, self._height), _places(x, self._width)
        row = np.zeros((1, which.size), np.intp)
        self._settle(Sites(cell.reshape(-1)[which], row, which[None], down[None], right[None]), flat)
        return out

    def _settle(self, sites: Sites, out: Labels) -> None:
        """Write the labels of pixels in mixed cells."""
        if not sites.cell.size:
            return
        candidates = self._samples.candidates
        for some, picks in self._rounds(sites):
            best = candidates.logits(picks[0], some.down, some.right)
            label = np.empty(best.shape, np.uint8)
            label[:] = candidates.label[picks[0]]
            for pick in picks[1:]:
                first = (..., slice(len(pick)))
                values = candidates.logits(pick, some.down, some.right)
                np.copyto(label[first], candidates.label[pick], where=values > best[first])
                np.maximum(best[first], values, out=best[first])
            out[some.row[:, None], some.column] = label

    def cell_labels(self, rows: Indices, columns: Indices) -> Labels:
        """Return the label of pixels, or `MIXED` where the cell's corners have different winners."""
        x, y = self._positions(rows, columns)
        cell = self._cell_index(x, y)
        labels: Labels = self._samples.cell_labels.reshape(-1).take(cell)
        return labels

    def unanimous(self, low: tuple[Doubles, Doubles], high: tuple[Doubles, Doubles]) -> Labels:
        """Return the label that all cells in rectangles of the grid have, or `MIXED` where they differ.

        Args:
            low, high: (column, row) of the rectangles' first and last points, in samples.
        """
        (left, top), (right, bottom) = (
            (_cells(x + 1, self._width), _cells(y + 1, self._height)) for x, y in (low, high)
        )
        sums = self._samples.borders
        within = sums[bottom + 1, right + 1] - sums[top, right + 1] - sums[bottom + 1, left] + sums[top, left]
        return np.where(within == 0, self._samples.cell_labels[top, left], np.uint8(MIXED))

    def confidence(self, area: Area, pixels: Flags | None) -> Floats:
        """Return the probability of each pixel's most probable class."""
        out = np.zeros(area.shape, np.float32)
        for where, numerators in self._numerators(area, pixels):
            out[where] = numerators.max(0) / numerators.sum(0)
        return out

    def sums(self, area: Area, pixels: Flags | None, groups: Sequence[Sequence[int]]) -> Floats:
        """Return the sum of the probabilities of each group of classes: groups × rows × columns."""
        out = np.zeros((len(groups), *area.shape), np.float32)
        rows = [np.flatnonzero(np.isin(self.possible, ids)) for ids in groups]
        for where, numerators in self._numerators(area, pixels):
            total = numerators.sum(0)
            for one, ids in zip(out, rows, strict=True):
                one[where] = sum(numerators[i] for i in ids) / total
        return out

    def probabilities(self, rows: Indices, columns: Indices) -> Floats:
        """Return the probabilities of the possible classes at n pixels: possible classes × n."""
        out = np.empty((len(self.possible), rows.size), np.float32)
        for where, numerators in self._numerators_at(rows, columns):
            np.divide(numerators, numerators.sum(0), out=out[:, where])
        return out

    def _axes(self, area: Area) -> tuple[tuple[Indices, Floats], tuple[Indices, Floats]]:
        """Return the cell and the place in the cell of each row and each column of an area, in an upright view."""
        (a, _, left), (_, d, top) = self._map
        y = d * (np.arange(area.y0, area.y1) + 0.5) + (top + 1)
        x = a * (np.arange(area.x0, area.x1) + 0.5) + (left + 1)
        return (
            (_cells(y, self._height), _places(y, self._height)),
            (_cells(x, self._width), _places(x, self._width)),
        )

    def _positions(self, rows: Indices, columns: Indices) -> tuple[Doubles, Doubles]:
        """Return the column and row, counted with the rim, of pixels in the grid; rows and columns broadcast."""
        (a, b, left), (c, d, top) = self._map
        x, y = columns + 0.5, rows + 0.5
        if self._before is not None:
            x, y = (squash(i * x + j * y + start) for i, j, start in self._before)
        return (a * x + (left + 1)) + b * y, (d * y + (top + 1)) + c * x

    def _cell_index(self, x: Doubles, y: Doubles) -> Indices:
        """Return the index of the cell at a column and row that are counted with the rim."""
        index: Indices = _cells(y, self._height) * self._samples.across + _cells(x, self._width)
        return index

    def _rounds(self, sites: Sites) -> Iterator[tuple[Sites, list[Indices]]]:
        """Yield the sites in chunks; with each chunk, per round, the candidate to sample at each site.

        Sites with more candidates come first, so that a later round needs only the first sites of the chunk.
        """
        start, number = (
            self._samples.candidates.start[sites.cell],
            self._samples.candidates.number[sites.cell],
        )
        rank = 255 - number
        order = np.argsort(rank, kind="stable")
        step = max(1, CHUNK // (len(sites.row) * len(sites.column)))
        for begin in range(0, order.size, step):
            which = order[begin : begin + step]
            ends = np.searchsorted(rank[which], 255 - np.arange(number[which[0]]))
            yield sites.take(which), [start[which[:end]] + i for i, end in enumerate(ends)]

    def _numerators(self, area: Area, pixels: Flags | None) -> Iterator[tuple[Index, Floats]]:
        """Yield the softmax's numerators in chunks, up to a factor per pixel, with their indices in the area."""
        if self._upright:
            yield from self._row_numerators(area)
            return
        rows, columns = np.nonzero(np.ones(area.shape, np.bool_) if pixels is None else pixels)
        for part, numerators in self._numerators_at(rows + area.y0, columns + area.x0):
            yield (rows[part], columns[part]), numerators

    def _row_numerators(self, area: Area) -> Iterator[tuple[Index, Floats]]:
        (row, down), (column, right) = self._axes(area)
        first = row.min()
        band = self._samples.level[:, first : row.max() + 2]
        left = np.take(band, column, axis=2)
        wide = left + (np.take(band, column + 1, axis=2) - left) * right
        drop = wide[:, 1:] - wide[:, :-1]
        step = max(1, DENSE_CHUNK // (len(self.possible) * column.size))
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        for begin, end in zip(starts, [*starts[1:], row.size], strict=True):
            if self._samples.is_steep or end - begin < 3:
                values = down[begin:end, None] * drop[:, row[begin] - first, None]
                values += wide[:, row[begin] - first, None]
                yield (slice(begin, end), slice(None)), self._exp(values)
                continue
            # Within a cell the logits rise by the same amount from row to row, and the numerators by the same factor.
            factor = np.exp(drop[:, row[begin] - first] * np.float32(self._map[1, 1]))
            for top in range(begin, end, step):
                values = np.empty((len(self.possible), min(step, end - top), column.size), np.float32)
                values[:, 0] = self._exp(
                    down[top] * drop[:, row[begin] - first] + wide[:, row[begin] - first]
                )
                for i in range(1, values.shape[1]):
                    np.multiply(values[:, i - 1], factor, out=values[:, i])
                yield (slice(top, top + values.shape[1]), slice(None)), values

    def _numerators_at(self, rows: Indices, columns: Indices) -> Iterator[tuple[slice, Floats]]:
        x, y = self._positions(rows, columns)
        cell = self._cell_index(x, y)
        down, right = _places(y, self._height), _places(x, self._width)
        step = max(1, DENSE_CHUNK // len(self.possible))
        for begin in range(0, cell.size, step):
            part = slice(begin, begin + step)
            above, below = (
                self._between(cell[part], right[part]),
                self._between(cell[part] + self._samples.across, right[part]),
            )
            below -= above
            below *= down[part]
            below += above
            yield part, self._exp(below)

    def _between(self, sample: Indices, right: Floats) -> Floats:
        """Return the logits at n places between samples and the next ones to the right: possible classes × n."""
        # To read rows of classes and transpose them is faster than to read a value for each class.
        rows = self._samples.by_sample
        left = np.asarray(cv2.transpose(rows.take(sample, axis=0)), np.float32)
        left += (np.asarray(cv2.transpose(rows.take(sample + 1, axis=0)), np.float32) - left) * right
        return left

    def _exp(self, values: Floats) -> Floats:
        if self._samples.is_steep:
            values -= values.max(0)
        return np.exp(values, out=values)


def _cells(position: Doubles, samples: int) -> Indices:
    """Return the cell, counted with the rim, of positions along an axis that are counted with the rim."""
    return np.clip(position, 0, samples).astype(np.intp)


def _places(position: Doubles, samples: int) -> Floats:
    """Return the place in the cell, 0 to 1, of positions along an axis that are counted with the rim."""
    position = np.clip(position, 0, samples + 1)
    return (position - np.minimum(np.floor(position), samples)).astype(np.float32)


def _runs(cell: Indices, place: Floats) -> tuple[Indices, Indices, Floats]:
    """Group pixels along an axis into n runs in the same cell: return each run's cell, and p × n indices and places."""
    first = np.ones(cell.size, np.bool_)
    first[1:] = cell[1:] != cell[:-1]
    start = np.flatnonzero(first)
    if np.diff(start, append=cell.size).max() > LONGEST_RUN:
        first[::LONGEST_RUN] = True
        start = np.flatnonzero(first)
    length = np.diff(start, append=cell.size)
    index = start + np.minimum(np.arange(length.max())[:, None], length - 1)
    return cell[start], index, place[index]
