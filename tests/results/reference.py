"""The renderer's contract, computed plainly in double precision: every class at every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceparse.results import View

Doubles = NDArray[np.float64]


def probabilities(views: Sequence[View], size: tuple[int, int], classes: int) -> Doubles:
    """Classes × height × width."""
    height, width = size
    total = np.zeros((classes, height, width))
    total[0] = 1
    for layer in sorted({view.layer for view in views}):
        alphas, weights, mean = [], np.zeros(size), np.zeros_like(total)
        for view in views:
            if view.layer == layer:
                alpha, weight = cover(view, size)
                mean += weight * softmax(interpolated(view, size))
                weights += weight
                alphas.append(alpha)
        mean /= np.where(weights > 0, weights, 1)
        alpha = np.max(alphas, axis=0)
        total = alpha * mean + (1 - alpha) * total
    return total


def points(matrix: Doubles, size: tuple[int, int]) -> tuple[Doubles, Doubles]:
    """An affine map of all pixel centres."""
    y, x = np.indices(size) + 0.5
    mapped: Doubles = np.tensordot(matrix, np.stack([x, y, np.ones(size)]), 1)
    return mapped[0], mapped[1]


def interpolated(view: View, size: tuple[int, int]) -> Doubles:
    """Logits at all pixel centres, classes × height × width."""
    _, h, w = view.logits.shape
    if view.before is None:
        x, y = points(view.to_grid, size)
    else:
        u, v = (squashed(n) for n in points(view.before, size))
        x, y = np.tensordot(view.to_grid, np.stack([u, v, np.ones(size)]), 1)
    x, y = x.clip(0, w - 1), y.clip(0, h - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = np.minimum(left + 1, w - 1), np.minimum(top + 1, h - 1)
    tx, ty = x - left, y - top
    z = view.logits.astype(np.float64)
    above = z[:, top, left] * (1 - tx) + z[:, top, right] * tx
    below = z[:, low, left] * (1 - tx) + z[:, low, right] * tx
    result: Doubles = above * (1 - ty) + below * ty
    return result


def squashed(n: Doubles) -> Doubles:
    """LaPa's warp along one axis."""
    result: Doubles = np.vectorize(
        lambda v: v if abs(v) <= 0.2 else np.sign(v) * (0.2 + 0.8 * np.tanh((abs(v) - 0.2) / 0.8))
    )(n)
    return result


def softmax(logits: Doubles) -> Doubles:
    """Along the first axis."""
    raised = np.exp(logits - logits.max(0))
    result: Doubles = raised / raised.sum(0)
    return result


def cover(view: View, size: tuple[int, int]) -> tuple[Doubles, Doubles]:
    """Alpha and weight within the layer, height × width."""
    if view.frame is None:
        return np.ones(size), np.ones(size)
    edge = distance_to_border(view.frame, size).clip(0)
    alpha: Doubles = np.minimum(edge / view.feather, 1) if view.feather else np.sign(edge)
    return alpha, alpha * edge**4


def distance_to_border(frame: Doubles, size: tuple[int, int]) -> Doubles:
    """Of all pixel centres, as a part of the frame; negative outside."""
    u, v = points(frame, size)
    distance: Doubles = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    return distance


def decided(views: Sequence[View], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels that do not lie on the border of a frame without feather, where rounding decides."""
    result = np.ones(size, np.bool_)
    for view in views:
        if view.frame is not None and not view.feather:
            result &= np.abs(distance_to_border(view.frame, size)) > 1e-5
    return result
