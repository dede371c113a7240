"""The label map of views, block by block: blocks in which all views agree need no work for each pixel.

>>> import numpy as np
>>> from faceparse.results import View, render_labels
>>> logits = np.array([[[1, 0]], [[0, 1]]], np.float32)  # two classes on one row of two samples
>>> render_labels([View(logits, np.array([[0.5, 0, -0.5], [0, 1, -0.5]]))], (1, 4))
array([[0, 0, 1, 1]], dtype=uint8)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from faceparse.results.render import blend, layers_of, weigh
from faceparse.results.samples import MIXED, Doubles, Flags, Indices, Labels, argmax
from faceparse.results.sampling import Area, Sampler
from faceparse.results.squash import squash
from faceparse.results.view import View

SIDE = 16
"""Side of a block in pixels."""

CHUNK = 1 << 10
"""Number of blocks rendered at a time, which bounds the memory."""

TILE = 1024
"""Side in pixels of the tiles in which a single view is rendered."""

ROUNDING = 1e-4
"""Allowance for rounding, in cells of a grid and in sides of a frame, in the bounds of a block."""

NONE = -1
"""Label of a block or pixel for which no view has voted yet, and index of no view."""

Corner = tuple[Doubles, Doubles]
"""x and y of one corner of every block; they broadcast to rows × columns of blocks."""


def render_labels(views: Sequence[View], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the most probable label of every pixel, height × width uint8; in a tie, the lowest.

    The result is the same as if all logits were interpolated at every pixel, at a fraction of the work.

    Args:
        views: Views of the same classes; without any, all is background.
        size: Height and width of the picture, px.
    """
    layers = layers_of(views)
    if layers and len(layers[0]) == 1 and layers[0][0].view.frame is None and layers[0][0].is_coarse:
        return _render_tiles(layers[0][0], size)
    return _Blocks(layers, size).render()


def _render_tiles(sampler: Sampler, size: tuple[int, int]) -> Labels:
    out = np.empty(size, np.uint8)
    for y in range(0, size[0], TILE):
        for x in range(0, size[1], TILE):
            area = Area(y, min(y + TILE, size[0]), x, min(x + TILE, size[1]))
            out[area.y0 : area.y1, area.x0 : area.x1] = sampler.labels(area)
    return out


class _Blocks:
    """A picture divided into blocks, with the views that count in each.

    A view that covers a block hides the layers below it there. Views agree in a block if all their cells there have the
    same label, and the background, where nothing covers the block, agrees with label 0.
    """

    def __init__(self, layers: list[list[Sampler]], size: tuple[int, int]) -> None:
        self._layers, self._size = layers, size
        shape = tuple(-(-side // SIDE) for side in size)
        y, x = (np.arange(number, dtype=np.float64) * SIDE + 0.5 for number in shape)
        y = y[:, None]
        low, high = (x, y), (x + SIDE - 1, y + SIDE - 1)
        self._label = np.full(shape, NONE)
        number, is_open = np.zeros(shape, np.int_), np.ones(shape, np.bool_)
        self._alone = np.zeros(shape, np.int_)  # index of a view that counts
        self._samplers = [sampler for layer in layers for sampler in layer]
        for layer in layers:
            hidden = np.zeros(shape, np.bool_)
            for sampler in layer:
                touched, covered = _coverage(sampler.view, low, high)
                touched &= is_open
                hidden |= touched & covered
                _vote(self._label, _unanimous(sampler, low, high), touched)
                self._alone[touched] = self._samplers.index(sampler)
                number += touched
            is_open &= ~hidden
        _vote(self._label, 0, is_open)
        self._alone[(number != 1) | is_open] = NONE

    def render(self) -> Labels:
        rows, columns = self._label.shape
        out = self._label.astype(np.uint8).repeat(SIDE, 0).repeat(SIDE, 1)
        blocks = out.reshape(rows, SIDE, columns, SIDE)
        mixed = self._label == MIXED
        for index, sampler in enumerate(self._samplers):
            for row, column, y, x in _pixels(mixed & (self._alone == index)):
                blocks[row, :, column] = sampler.labels_at(y, x)
        for row, column, y, x in _pixels(mixed & (self._alone == NONE)):
            blocks[row, :, column] = self._blend(y, x)
        return np.ascontiguousarray(out[: self._size[0], : self._size[1]])

    def _blend(self, rows: Indices, columns: Indices) -> Labels:
        """Return the labels of n × `SIDE` × `SIDE` pixels in which several views may count."""
        shares, left = weigh(self._layers, rows, columns)
        label = np.where(left > 0, 0, NONE)
        for sampler, weight in shares:
            _vote(label, sampler.cell_labels(rows, columns), weight > 0)
        out = label.astype(np.uint8)
        split = np.flatnonzero(out == MIXED)
        line, x = np.divmod(split, SIDE)
        row, column = rows.take(line), columns.take(line // SIDE * SIDE + x)
        np.put(out, split, blend(shares, left, row, column, split, argmax))
        return out


def _vote(label: NDArray[np.int_], vote: Labels | int, where: Flags) -> None:
    """Let a view vote for a label: where others voted for another one, the label becomes `MIXED`."""
    agreed = np.where((label == vote) | (label == NONE), vote, MIXED)
    np.copyto(label, agreed, where=where)


def _pixels(which: Flags) -> Iterator[tuple[Indices, Indices, Indices, Indices]]:
    """Yield rows and columns of n blocks, and their pixels' rows, n × `SIDE` × 1, and columns, n × 1 × `SIDE`."""
    rows, columns = np.nonzero(which)
    within = np.arange(SIDE)
    for begin in range(0, rows.size, CHUNK):
        row, column = rows[begin : begin + CHUNK], columns[begin : begin + CHUNK]
        yield (
            row,
            column,
            (row[:, None] * SIDE + within)[:, :, None],
            (column[:, None] * SIDE + within)[:, None],
        )


def _coverage(view: View, low: Corner, high: Corner) -> tuple[Flags, Flags]:
    """Return in which blocks a view may count, and in which of them it has alpha 1 everywhere."""
    shape = np.broadcast_shapes(low[0].shape, low[1].shape)
    if view.frame is None:
        return np.ones(shape, np.bool_), np.ones(shape, np.bool_)
    (u0, v0), (u1, v1) = _mapped(view.frame, low, high)
    inside = np.minimum(np.minimum(u0, 1 - u1), np.minimum(v0, 1 - v1))  # least distance from the border
    return (u1 > 0) & (u0 < 1) & (v1 > 0) & (v0 < 1), inside > view.feather


def _unanimous(sampler: Sampler, low: Corner, high: Corner) -> Labels:
    """Return the label that all of a view's cells in each block have; `MIXED` where they differ."""
    view = sampler.view
    if view.before is not None:
        low, high = ((squash(x), squash(y)) for x, y in _mapped(view.before, low, high))  # it keeps the order
    return sampler.unanimous(*_mapped(view.to_grid, low, high))


def _mapped(matrix: Doubles, low: Corner, high: Corner) -> tuple[Corner, Corner]:
    """Return the least and the largest coordinates of blocks after an affine map, 2 × 3."""
    corners = [
        [a * x + b * y + start for x in (low[0], high[0]) for y in (low[1], high[1])]
        for a, b, start in matrix
    ]
    (x0, y0), (x1, y1) = (tuple(reduce(pick, four) for four in corners) for pick in (np.minimum, np.maximum))
    return (x0 - ROUNDING, y0 - ROUNDING), (x1 + ROUNDING, y1 + ROUNDING)
