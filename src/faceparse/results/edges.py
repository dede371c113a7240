"""Soft masks that follow the picture's edges: finer than the cells of the network's grid.

This is the fast guided filter (He & Sun, https://arxiv.org/abs/1505.00996) at the resolution of the network's
grid. Around each cell, in a window of 3 × 3 cells, box filters fit the classes' probabilities as a
linear function of the cells' mean colours; the slope is scaled by how well colour explains the classes. A
pixel's probability is the interpolated one plus slope × (the pixel's colour − the cell's mean colour). So
each cell's mean stays the network's; nothing changes where the picture or the mask is even; and probabilities
that add up to 1 still do, because the function is linear, until they are clipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.results.samples import Floats
from faceparse.results.sampling import Area, Sampler
from faceparse.results.squash import squash, unsquash
from faceparse.results.view import View

Doubles = NDArray[np.float64]
Points = tuple[Doubles, Doubles]

GRAIN = 1e-3
"""Variance of a colour (0 to 1) that counts as noise: a standard deviation of 8 of 255."""

NONE = 1e-6
"""Variance of probabilities that counts as zero."""

FINE = 3
"""Number of points along a cell's side at which the picture is sampled."""

BLOCK = 128
"""Side in pixels of the blocks of a picture; a block is skipped if a group has no edge in it."""

SLIGHT = 1e-3
"""Slope below which the change is invisible."""


class Edges:
    """The correction that the picture's edges add to the probabilities of one view.

    Args:
        sampler: The view's sampler.
        image: The whole picture, RGB uint8, H × W × 3.
        groups: The labels of each group of classes; a group's probability is the sum over its labels.
    """

    def __init__(self, sampler: Sampler, image: NDArray[np.uint8], groups: Sequence[Sequence[int]]) -> None:
        self._view, self._image = sampler.view, image
        side = cell(self._view)
        self._slopes = _fit(self._view, _colours(self._view, image, side), groups) if side > 1 else []

    def add(self, area: Area, weight: Floats | None, out: Floats) -> None:
        """Add the correction to `out`, an area's probabilities, groups × rows × columns; `weight` None means 1."""
        for y in range(area.y0, area.y1, BLOCK):
            for x in range(area.x0, area.x1, BLOCK):
                block = Area(y, min(y + BLOCK, area.y1), x, min(x + BLOCK, area.x1))
                rows, columns = slice(y - area.y0, block.y1 - area.y0), slice(x - area.x0, block.x1 - area.x0)
                here = None if weight is None else weight[rows, columns]
                if here is None or here.any():
                    self._add(block, here, out[:, rows, columns])

    def _add(self, area: Area, weight: Floats | None, out: Floats) -> None:
        column, row = np.arange(area.x0, area.x1) + 0.5, np.arange(area.y0, area.y1)[:, None] + 0.5
        places = _to_grid(self._view, (column.astype(np.float64), row.astype(np.float64)))
        x, y = (np.broadcast_to(v, area.shape).astype(np.float32) for v in places)
        across, down = (
            slice(int(np.clip(v.min(), 0, n - 1)), int(np.clip(v.max() + 2, 1, n)))
            for v, n in zip((x, y), self._view.logits.shape[:0:-1], strict=True)
        )
        picture = cv2.cvtColor(self._image[area.y0 : area.y1, area.x0 : area.x1], cv2.COLOR_RGB2RGBA)
        picture = picture / np.float32(255)  # the fourth channel, 1, is the offset's factor
        for one, slopes in zip(out, self._slopes, strict=False):
            if np.abs(slopes[down, across, :3]).max() > SLIGHT:
                here = cv2.remap(slopes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                more = cv2.transform(cv2.multiply(here, picture), np.ones((1, 4)))
                one += more if weight is None else weight * more


def _fit(view: View, colours: Floats, groups: Sequence[Sequence[int]]) -> list[Floats]:
    """Return each group's slope per colour channel around each cell, and the offset that gives 0 at its mean colour.

    Where colour explains the probabilities badly, slopes are smaller: they are multiplied by the explained fraction
    of the variance. All classes have the same fraction, because the slopes of all classes must add up to 0.

    Args:
        view: The view.
        colours: Mean colour of each cell, h × w × 3, 0 to 1.
        groups: The labels of each group of classes.

    Returns:
        For each group, h × w × 4.
    """
    probable = np.exp(view.logits - view.logits.max(0))
    values = np.moveaxis(probable / probable.sum(0), 0, -1)
    both = np.concatenate([colours, values], -1)
    joint = _mean(colours[..., None] * both[..., None, :])
    joint -= _mean(colours)[..., None] * _mean(both)[..., None, :]
    inverse, classes = _inverted(joint[..., :3] + GRAIN * np.eye(3)), joint[..., 3:]
    varied = (_mean(values * values) - _mean(values) ** 2).sum(-1)
    products = classes @ np.swapaxes(classes, -1, -2)
    share = (inverse * products).sum((-1, -2)) / np.maximum(varied, NONE)
    inverse *= np.clip(share, 0, 1)[..., None, None]
    slopes = [_mean((inverse * classes[..., list(ids)].sum(-1)[..., None, :]).sum(-1)) for ids in groups]
    return [np.concatenate([one, -(one * colours).sum(-1, keepdims=True)], -1) for one in slopes]


def _inverted(matrices: Doubles) -> Floats:
    """Return the inverse of many 3 × 3 matrices by cross products, which is far faster than NumPy's solver."""
    a, b, c = np.moveaxis(matrices, -2, 0)
    columns = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], -1)
    return np.asarray(columns / (a * columns[..., 0]).sum(-1)[..., None, None], np.float32)


def _mean(values: Floats) -> Floats:
    """Return the mean over each cell and its eight neighbours; the grid's edge cells are repeated beyond the grid."""
    padded = np.pad(values, ((1, 1), (1, 1), *((0, 0),) * (values.ndim - 2)), mode="edge")
    rows: Floats = padded[:-2] + padded[1:-1]
    rows += padded[2:]
    mean: Floats = rows[:, :-2] + rows[:, 1:-1]
    mean += rows[:, 2:]
    mean /= 9
    return mean


def _colours(view: View, image: NDArray[np.uint8], side: float) -> Floats:
    """Return the picture's mean colour in each cell, h × w × 3, 0 to 1."""
    height, width = view.logits.shape[1:]
    column, row = ((np.arange(FINE * n) + 0.5) / FINE - 0.5 for n in (width, height))
    spots = to_picture(view, (column, row[:, None]))
    bounds = []
    for v, n in zip(spots, image.shape[1::-1], strict=True):
        low = int(np.clip(v.min(), 0, n - 1))
        bounds.append((low, max(low + 1, int(np.clip(v.max() + 1, 0, n)))))
    (left, right), (top, bottom) = bounds
    part = image[top:bottom, left:right]
    size = [max(1, round(n * min(1, FINE / side))) for n in (right - left, bottom - top)]
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    maps = [
        np.broadcast_to((v - low) * (n / (high - low)) - 0.5, (FINE * height, FINE * width)).astype(
            np.float32
        )
        for v, (low, high), n in zip(spots, bounds, size, strict=True)
    ]
    fine = cv2.remap(small, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mean = cv2.resize(fine.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(mean / np.float32(255), np.float32)


def cell(view: View) -> float:
    """Return the side of a cell in picture pixels, at the view's middle; 0 if the view's map has no inverse."""
    maps = (view.to_grid, view.before) if view.before is not None else (view.to_grid,)
    area = np.prod([abs(np.linalg.det(m[:, :2])) for m in maps])
    return float(area**-0.5) if area else 0.0


def _to_grid(view: View, points: Points) -> Points:
    """Convert picture points to (column, row) in the view's grid."""
    if view.before is not None:
        points = mapped(view.before, points)
        points = squash(points[0]), squash(points[1])
    return mapped(view.to_grid, points)


def to_picture(view: View, places: Points) -> Points:
    """Convert (column, row) in the view's grid to picture points."""
    points = mapped(inverse(view.to_grid), places)
    if view.before is None:
        return points
    return mapped(inverse(view.before), (unsquash(points[0]), unsquash(points[1])))


def mapped(matrix: Doubles, points: Points) -> Points:
    """Return points (x, y) under an affine map."""
    x, y = (a * points[0] + b * points[1] + c for a, b, c in matrix)
    return x, y


def inverse(matrix: Doubles) -> Doubles:
    """Return the affine map back."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)
