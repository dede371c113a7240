"""Views → soft mask or confidence, tile by tile; `label_map` renders labels with the same weights.

A view's opacity at a point is alpha = min(edge / feather, 1), where `edge` is the distance from the point to
the border of the view's frame, as a fraction of the frame's side. Within a layer, the views' probabilities
are averaged with weights alpha · edge⁴, which prefer the view whose centre is nearer. A layer covers the
layers below it with the highest alpha of its views; background lies below all layers. A view without a frame
has alpha and weight 1 everywhere.

>>> import numpy as np
>>> from faceparse.results import View, render_confidence
>>> logits = np.array([[[1, 0]], [[0, 1]]], np.float32)  # two classes on one row of two samples
>>> render_confidence([View(logits, np.array([[0.5, 0, -0.5], [0, 1, -0.5]]))], (1, 4)).round(2)
array([[0.73, 0.62, 0.62, 0.73]], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.results.edges import Edges
from faceparse.results.samples import Flags, Floats, Indices
from faceparse.results.sampling import Area, Sampler
from faceparse.results.view import Scalar, View

TILE = 512
"""Side of a tile in pixels: rendering needs memory for the result and a few tiles."""

BLEND = 1 << 18
"""Maximal number of probabilities in memory while views are blended."""


class Share(NamedTuple):
    """A view and its weight in the probabilities of each pixel, rows × columns, 0 to 1."""

    sampler: Sampler
    weight: Floats


class _Tile(NamedTuple):
    """A tile with the views that count in it: one view alone, or shares of several views and of the background."""

    area: Area
    alone: Sampler | None
    shares: Sequence[Share]
    background: Floats

    def of(self, picture: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return the tile's part of a picture."""
        return picture[self.area.y0 : self.area.y1, self.area.x0 : self.area.x1]


def render_confidence(views: Sequence[View], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the probability of every pixel's most probable class, height × width float32, 0 to 1.

    Args:
        views: Views of the same classes; without any, all is background with probability 1.
        size: Height and width of the picture, px.
    """
    out = np.ones(size, np.float32)
    for tile in _tiles(views, size):
        which = _fill(tile, tile.of(out), Sampler.confidence)
        rows, columns = np.divmod(which, tile.area.shape[1])
        at = rows + tile.area.y0, columns + tile.area.x0
        tile.of(out)[rows, columns] = blend(tile.shares, tile.background, *at, which, lambda p: p.max(0))
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
) -> Indices:
    """Fill in the pixels at which a single view counts; return the flat indices of the other pixels."""
    if tile.alone:
        out[:] = sample(tile.alone, tile.area, None)
        return np.empty(0, np.intp)
    count = (tile.background > 0).astype(np.uint8)
    for _, weight in tile.shares:
        count += weight > 0
    for sampler, weight in tile.shares:
        alone = (weight > 0) & (count == 1)
        if alone.any():
            np.copyto(out, sample(sampler, tile.area, alone), where=alone)
    return np.flatnonzero(count > 1)


def blend(
    shares: Sequence[Share],
    background: Floats,
    rows: Indices,
    columns: Indices,
    which: Indices,
    read: Callable[[Floats], NDArray[Scalar]],
) -> NDArray[Scalar]:
    """Blend the probabilities at n pixels, classes × n, and return what `read` computes from them.

    Args:
        shares: The views and their weights at some pixels.
        background: The weight of the background there.
        rows, columns: Rows and columns of the n pixels in the picture.
        which: Flat indices of the n pixels in the weights.
        read: Function of a part of the probabilities.
    """
    classes = shares[0].sampler.classes if shares else 1
    parts = []
    step = max(1, BLEND // classes)
    for begin in range(0, max(rows.size, 1), step):
        row, column = rows[begin : begin + step], columns[begin : begin + step]
        here = which[begin : begin + step]
        total = np.zeros((classes, row.size), np.float32)
        total[0] = background.take(here)
        for sampler, weight in shares:
            part = weight.take(here)
            count = np.count_nonzero(part)
            if not count:
                continue
            # For most of the pixels, indices would cost more than they save.
            inside = np.flatnonzero(part) if count <= part.size / 2 else slice(None)
            values = sampler.probabilities(row[inside], column[inside])
            values *= part[inside]
            for label, value in zip(sampler.possible, values, strict=True):
                total[label, inside] += value
        parts.append(read(total))
    return np.concatenate(parts)


def _tiles(views: Sequence[View], size: tuple[int, int], within: Area | None = None) -> Iterator[_Tile]:
    y0, y1, x0, x1 = within or (0, size[0], 0, size[1])
    layers = layers_of(views)
    side = TILE if len(views) > 1 else 2 * TILE  # a single view is not blended, which needs less memory
    for y in range(y0, y1, side):
        for x in range(x0, x1, side):
            yield _tile(layers, Area(y, min(y + side, y1), x, min(x + side, x1)))


def layers_of(views: Sequence[View]) -> list[list[Sampler]]:
    """Return the views' samplers, layer by layer from the top down."""
    downwards = sorted(views, key=lambda view: -view.layer)
    return [[Sampler(view) for view in layer] for _, layer in groupby(downwards, key=lambda view: view.layer)]


def _tile(layers: list[list[Sampler]], area: Area) -> _Tile:
    rows, columns = np.arange(area.y0, area.y1)[:, None], np.arange(area.x0, area.x1)[None]
    shares, left = weigh(layers, rows, columns)
    alone = shares[0].sampler if len(shares) == 1 and shares[0].sampler.view.frame is None else None
    return _Tile(area, alone, shares, left)


def weigh(layers: list[list[Sampler]], rows: Indices, columns: Indices) -> tuple[list[Share], Floats]:
    """Return the weight of each view, from the top layer down, and of the background at pixels of the picture.

    Args:
        layers: Samplers of the views, from the top layer down.
        rows, columns: Rows, … × h × 1, and columns, … × 1 × w, of the pixels.
    """
    shape = np.broadcast_shapes(rows.shape, columns.shape)
    shares: list[Share] = []
    # The weight that the layers above leave to the layers below: 1 at first, one number in memory.
    left: Floats = np.broadcast_to(np.float32(1), shape)
    for layer in layers:
        covers = [(sampler, *cover) for sampler in layer if (cover := _cover(sampler.view, rows, columns))]
        if not covers:
            continue
        alpha = reduce(np.maximum, (alpha for _, alpha, _ in covers))
        total = reduce(np.add, (weight for _, _, weight in covers))
        scale = np.divide(left * alpha, total, out=np.zeros(shape, np.float32), where=total > 0)
        shares += [Share(sampler, weight * scale) for sampler, _, weight in covers]
        left = left * (1 - alpha)
        if not left.any():
            break
    return shares, left


def _cover(view: View, rows: Indices, columns: Indices) -> tuple[Floats, Floats] | None:
    """Return a view's alpha and its weight within its layer at pixels; None outside the frame."""
    shape = np.broadcast_shapes(rows.shape, columns.shape)
    if view.frame is None:
        ones = np.ones(shape, np.float32)
        return ones, ones
    # Offsets from the first pixel are small, so that small frames in large pictures stay exact in single precision.
    y, x = rows[..., :1, :], columns[..., :1]
    aside, ahead = rows - y, columns - x
    distance = np.zeros(shape, np.float32)  # from the frame's centre, 0.5 on its border
    for across, down, start in view.frame:
        first = across * (x + 0.5) + down * (y + 0.5) + (start - 0.5)
        along, along_rows = first + across * ahead, down * aside
        low, high = along.min() + along_rows.min(), along.max() + along_rows.max()
        if low >= 0.5 or high <= -0.5:
            return None
        offset = along.astype(np.float32) + along_rows.astype(np.float32)
        np.maximum(distance, np.abs(offset, out=offset), out=distance)
    edge = np.subtract(np.float32(0.5), distance, out=distance)
    np.maximum(edge, 0, out=edge)
    alpha = np.minimum(edge / np.float32(view.feather), 1) if view.feather else np.sign(edge)
    return (alpha, alpha * np.square(np.square(edge))) if alpha.any() else None
