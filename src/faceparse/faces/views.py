"""From a network's logits to views: the place of each look in its picture.

>>> view = whole_view(logits, card, (640, 480))  # doctest: +SKIP
>>> view.to_grid @ [0, 0, 1]  # where the picture's upper left corner falls among the logits  # doctest: +SKIP
array([-0.5, -0.5])

A point travels picture → network input → grid of logits; the card says how the grid lies on the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparse.faces.align import Square
from faceparse.faces.warp import ALONE, Warp
from faceparse.results.view import View
from faceparse.weights import Card

Affine = NDArray[np.float64]


def whole_view(
    logits: NDArray[np.float32],
    card: Card,
    picture_size: tuple[int, int],
    layer: int = 0,
    feather: float | None = None,
) -> View:
    """The view of a whole picture that was resized to the network's input.

    Args:
        logits: C × h × w, the network's own resolution.
        card: The model's card.
        picture_size: Height and width of the picture in pixels.
        layer: Higher layers lie over lower ones.
        feather: Its weight against other views of the layer falls to this part of a side at the picture's border; None
            where no other view is in the layer.
    """
    height, width = picture_size
    to_input = np.array([[card.input.size[1] / width, 0, 0], [0, card.input.size[0] / height, 0]], np.float64)
    to_grid = _compose(input_to_grid(card, logits.shape[-2:]), to_input)
    if feather is None:
        return View(logits, to_grid, layer=layer)
    inner = 1 - 2 * feather  # of the frame, which fades in outside the picture
    frame = np.array([[inner / width, 0, feather], [0, inner / height, feather]])
    return View(logits, to_grid, frame, feather, layer)


def square_view(
    logits: NDArray[np.float32], card: Card, square: Square, *, layer: int, feather: float
) -> View:
    """The view of a square of the picture that was resampled to the network's input.

    Args:
        logits: C × h × w, the network's own resolution.
        card: The model's card.
        square: The part of the picture that the network got.
        layer: Higher layers lie over lower ones.
        feather: Fraction of the square's side over which it fades in from its border.
    """
    to_grid = _compose(input_to_grid(card, logits.shape[-2:]), square.to_pixels(card.input.size))
    return View(logits, to_grid, frame=square.to_frame(), feather=feather, layer=layer)


def warped_view(
    logits: NDArray[np.float32],
    card: Card,
    warp: Warp,
    *,
    layer: int = 0,
    reach: float = ALONE,
    feather: float = 0.1,
) -> View:
    """The view of a picture that was warped around a face.

    Args:
        logits: C × h × w, the network's own resolution.
        card: The model's card.
        warp: The warp that made the network's input.
        layer: Higher layers lie over lower ones.
        reach: How far it counts, in halves of the template's side from its middle.
        feather: Fraction of that square's side over which it fades in from its border.
    """
    to_grid = _compose(input_to_grid(card, logits.shape[-2:]), warp.to_input())
    return View(logits, to_grid, warp.to_frame(reach), feather, layer, warp.before())


def input_to_grid(card: Card, grid_size: tuple[int, ...]) -> Affine:
    """2 × 3 map from points of the network's input to index coordinates in its logits.

    With aligned corners the outermost samples lie on the centres of the outermost input pixels;
    else the grid's cells tile the input. `grid_size` is (height, width) of the logits.
    """
    rows = np.zeros((2, 3))
    for axis, (cells, pixels) in enumerate(zip(grid_size[::-1], card.input.size[::-1], strict=True)):
        if card.output.align_corners:
            step = (cells - 1) / max(pixels - 1, 1)
            rows[axis, axis], rows[axis, 2] = step, -0.5 * step
        else:
            rows[axis, axis], rows[axis, 2] = cells / pixels, -0.5
    return rows


def _compose(outer: Affine, inner: Affine) -> Affine:
    """`outer` after `inner`."""
    return np.asarray(outer @ np.vstack([inner, [0.0, 0.0, 1.0]]), np.float64)
