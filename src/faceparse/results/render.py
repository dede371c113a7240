"""The one renderer: views → label map, soft mask or confidence, tile by tile.

A view's opacity at a point is alpha = min(edge / feather, 1), where `edge` is the distance from the point to
the border of the view's frame, as a fraction of the frame's side. Within a layer, the views' probabilities
are averaged with weights alpha · edge⁴, which prefer the view whose centre is nearer. A layer covers the
layers below it with the highest alpha of its views; background lies below all layers. A view without a frame
has alpha and weight 1 everywhere.

>>> import numpy as np
>>> from faceparse.results import View, render_labels
>>> logits = np.array([[[1, 0]], [[0, 1]]], np.float32)  # two classes on one row of two samples
>>> render_labels([View(logits, np.array([[0.5, 0, -0.5], [0, 1, -0.5]]))], (1, 4))
array([[0, 0, 1, 1]], dtype=uint8)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.results.edges import Edges
from faceparse.results.sampling import MIXED, Area, Flags, Floats, Indices, Sampler, argmax
from faceparse.results.view import Scalar, View

TILE = 512
"""Side of a tile in pixels: rendering needs memory for the result and a few tiles."""

BLEND = 1 << 18
"""Maximal number of probabilities in memory while views are blended."""


class _Share(NamedTuple):
    """A view and its weight in the probabilities of each pixel of a tile, rows × columns, 0 to 1."""

    sampler: Sampler
    weight: Floats


class _Tile(NamedTuple):
    """A tile with the views that count in it: one view alone, or shares of several views and of the background."""

    area: Area
    alone: Sampler | None
    shares: Sequence[_Share]
    background: Floats

    def of(self, picture: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return the tile's part of a picture."""
        return picture[self.area.y0 : self.area.y1, self.area.x0 : self.area.x1]


def render_labels(views: Sequence[View], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the most probable label of every pixel, height × width uint8; in a tie, the lowest.

    The result is the same as if all logits were interpolated at every pixel, at a fraction of the work.

    Args:
        views: Views of the same classes; without any, all is background.
        size: Height and width of the picture, px.
    """
    out = np.zeros(size, np.uint8)
    for tile in _tiles(views, size):
        rows, columns = _fill(tile, tile.of(out), Sampler.labels)
        label = _unanimous(tile, rows, columns)
        split = label == MIXED
        label[split] = _blend(tile, rows[split], columns[split], argmax)
        tile.of(out)[rows, columns] = label
    return out


def render_confidence(views: Sequence[View], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the probability of every pixel's most probable class, height × width float32, 0 to 1.

    Args:
        views: Views of the same classes; without any, all is background with probability 1.
        size: Height and width of the picture, px.
    """
    out = np.ones(size, np.float32)
    for tile in _tiles(views, size):
        rows, columns = _fill(tile, tile.of(out), Sampler.confidence)
        tile.of(out)[rows, columns] = _blend(tile, rows, columns, lambda p: p.max(0))
    return np.clip(out, 0, 1, out=out)


def render_probability(
    views: Sequence[View],
    size: tuple[int, int],
    ids: Sequence[int],
    image: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Return the probability that a pixel has one of the labels `ids`, height × width float32, 0 to 1.

    Args:
        views: Views of the same classes; without any, all is background.
        size: Height and width of the picture, px.
        ids: Labels of the classes.
        image: The picture, RGB uint8, for a mask that follows the picture's edges; None: the network's own
            mask.
    """
    out = np.empty(size, np.float32)
    for rows, columns, (values,) in render_probabilities(views, size, (ids,), image):
        out[rows, columns] = values
    return out


def render_probabilities(
    views: Sequence[View],
    size: tuple[int, int],
    groups: Sequence[Sequence[int]],
    image: NDArray[np.uint8] | None = None,
    within: Area | None = None,
) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """Yield the probabilities of several groups of classes, tile by tile, from the top left to the bottom right.

    Many groups cost little more than one, because most of the time goes into sampling the logits.

    Args:
        views: Views of the same classes; without any, all is background.
        size: Height and width of the picture, px.
        groups: The labels of each group of classes.
        image: The picture, RGB uint8, for probabilities that follow the picture's edges
            (`faceparse.results.edges`); None: the network's own probabilities.
        within: The part of the picture to render; None: all of it.

    Yields:
        A tile's rows and columns, and its probabilities, groups × rows × columns float32, 0 to 1.
    """
    edges: dict[Sampler, Edges] = {}
    for tile in _tiles(views, size, within):
        area = tile.area
        shares: Sequence[tuple[Sampler, Floats | None]] = tile.shares
        if tile.alone:
            out = tile.alone.sums(area, None, groups)
            shares = [(tile.alone, None)]
        else:
            out = np.zeros((len(groups), *area.shape), np.float32)
            for one, ids in zip(out, groups, strict=True):
                if 0 in ids:
                    one[:] = tile.background
            for sampler, weight in tile.shares:
                part = sampler.sums(area, weight > 0, groups)
                part *= weight
                out += part
        if image is not None:
            for sampler, share in shares:
                if sampler not in edges:
                    edges[sampler] = Edges(sampler, image, groups)
                edges[sampler].add(area, share, out)
        yield slice(area.y0, area.y1), slice(area.x0, area.x1), np.clip(out, 0, 1, out=out)


def _fill(
    tile: _Tile, out: NDArray[Scalar], sample: Callable[[Sampler, Area, Flags | None], NDArray[Scalar]]
) -> tuple[Indices, Indices]:
    """Fill in the pixels at which a single view counts; return the rows and columns of the other pixels."""
    if tile.alone:
        out[:] = sample(tile.alone, tile.area, None)
        return np.empty(0, np.intp), np.empty(0, np.intp)
    count = (tile.background > 0).astype(np.uint8)
    for _, weight in tile.shares:
        count += weight > 0
    for sampler, weight in tile.shares:
        alone = (weight > 0) & (count == 1)
        if alone.any():
            np.copyto(out, sample(sampler, tile.area, alone), where=alone)
    rows, columns = np.nonzero(count > 1)
    return rows, columns


def _unanimous(tile: _Tile, rows: Indices, columns: Indices) -> NDArray[np.uint8]:
    """Return, for some pixels of a tile, the label on which all views there agree; `MIXED` where they differ.

    A label on which all views agree wins any blend.
    """
    agreed = np.where(tile.background[rows, columns] > 0, 0, -1)
    for sampler, weight in tile.shares:
        voters = np.flatnonzero(weight[rows, columns])
        vote = sampler.cell_labels(tile.area, rows[voters], columns[voters])
        before = agreed[voters]
        agreed[voters] = np.where((before == vote) | (before < 0), vote, MIXED)
    return agreed.astype(np.uint8)


def _blend(
    tile: _Tile, rows: Indices, columns: Indices, read: Callable[[Floats], NDArray[Scalar]]
) -> NDArray[Scalar]:
    """Blend the probabilities at n pixels of a tile, classes × n, and return what `read` computes from them."""
    classes = tile.shares[0].sampler.classes if tile.shares else 1
    parts = []
    step = max(1, BLEND // classes)
    for begin in range(0, max(rows.size, 1), step):
        row, column = rows[begin : begin + step], columns[begin : begin + step]
        total = np.zeros((classes, row.size), np.float32)
        total[0] = tile.background[row, column]
        for sampler, weight in tile.shares:
            part = weight[row, column]
            inside = np.flatnonzero(part)
            if inside.size == part.size:
                total += part * sampler.probabilities(tile.area, row, column)
            elif inside.size:
                values = sampler.probabilities(tile.area, row[inside], column[inside])
                total[:, inside] += part[inside] * values
        parts.append(read(total))
    return np.concatenate(parts)


def _tiles(views: Sequence[View], size: tuple[int, int], within: Area | None = None) -> Iterator[_Tile]:
    y0, y1, x0, x1 = within or (0, size[0], 0, size[1])
    downwards = sorted(((v, Sampler(v)) for v in views), key=lambda pair: -pair[0].layer)
    layers = [list(layer) for _, layer in groupby(downwards, key=lambda pair: pair[0].layer)]
    side = TILE if len(views) > 1 else 2 * TILE  # a single view is not blended, which needs less memory
    for y in range(y0, y1, side):
        for x in range(x0, x1, side):
            yield _tile(layers, Area(y, min(y + side, y1), x, min(x + side, x1)))


def _tile(layers: list[list[tuple[View, Sampler]]], area: Area) -> _Tile:
    """Return a tile with the weight of each view, from the top layer down, and of the background."""
    shares: list[_Share] = []
    # The weight that the layers above leave to the layers below: 1 at first, one number in memory.
    left: Floats = np.broadcast_to(np.float32(1), area.shape)
    for layer in layers:
        if not shares and len(layer) == 1 and layer[0][0].frame is None:
            return _Tile(area, layer[0][1], (), left)
        covers = [(sampler, *cover) for view, sampler in layer if (cover := _cover(view, area))]
        if not covers:
            continue
        alpha = reduce(np.maximum, (alpha for _, alpha, _ in covers))
        total = reduce(np.add, (weight for _, _, weight in covers))
        scale = np.divide(left * alpha, total, out=np.zeros(area.shape, np.float32), where=total > 0)
        shares += [_Share(sampler, weight * scale) for sampler, _, weight in covers]
        left = left * (1 - alpha)
        if not left.any():
            break
    return _Tile(area, None, shares, left)


def _cover(view: View, area: Area) -> tuple[Floats, Floats] | None:
    """Return a view's alpha and its weight within its layer for each pixel of a tile; None outside the frame."""
    if view.frame is None:
        ones = np.ones(area.shape, np.float32)
        return ones, ones
    x, y = np.arange(area.shape[1]), np.arange(area.shape[0])[:, None]
    distance = np.zeros(area.shape, np.float32)  # from the frame's centre, 0.5 on its border
    for across, down, start in view.frame:
        # The tile's offset is added in double precision, so that small frames in large pictures stay exact.
        start += across * (area.x0 + 0.5) + down * (area.y0 + 0.5) - 0.5
        ahead, aside = across * x + start, down * y
        low, high = ahead.min() + aside.min(), ahead.max() + aside.max()
        if low >= 0.5 or high <= -0.5:
            return None
        offset = ahead.astype(np.float32) + aside.astype(np.float32)
        np.maximum(distance, np.abs(offset, out=offset), out=distance)
    edge = np.subtract(np.float32(0.5), distance, out=distance)
    np.maximum(edge, 0, out=edge)
    alpha = np.minimum(edge / np.float32(view.feather), 1) if view.feather else np.sign(edge)
    return (alpha, alpha * np.square(np.square(edge))) if alpha.any() else None
