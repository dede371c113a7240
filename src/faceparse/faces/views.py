"""Views from a network's logits: the place of each look on the picture.

>>> view = whole_view(logits, card, (640, 480))  # doctest: +SKIP
>>> view.to_grid @ [0, 0, 1]  # where the picture's upper left corner falls among the logits  # doctest: +SKIP
array([-0.5, -0.5])

A point is mapped from the picture to the network's input, and from there to the grid of logits; the card says
how the grid lies on the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparse.faces.warp import ALONE, Warp
from faceparse.results.square import Square
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
    """Make the view of a whole picture that was resized to the network's input size.

    Args:
        logits: C × h × w, at the network's own resolution.
        card: The model's card.
        picture_size: Height and width of the picture in pixels.
        layer: Views of a higher layer cover views of lower layers.
        feather: Fraction of its side by which the view's frame reaches beyond each border of the picture;
            near the border, other views of the layer weigh more. None, for a layer without other views: no
            frame.
    """
    height, width = picture_size
    to_input = np.array([[card.input.size[1] / width, 0, 0], [0, card.input.size[0] / height, 0]], np.float64)
    to_grid = _compose(input_to_grid(card, logits.shape[-2:]), to_input)
    if feather is None:
        return View(logits, to_grid, layer=layer)
    inner = 1 - 2 * feather  # the picture's part of the frame's side: the frame fades in outside the picture
    frame = np.array([[inner / width, 0, feather], [0, inner / height, feather]])
    return View(logits, to_grid, frame, feather, layer)


def square_view(
    logits: NDArray[np.float32], card: Card, square: Square, *, layer: int, feather: float
) -> View:
    """Make the view of a square of the picture that was resampled to the network's input size.

    Args:
        logits: C × h × w, at the network's own resolution.
        card: The model's card.
        square: The part of the picture that the network got.
        layer: Views of a higher layer cover views of lower layers.
        feather: Fraction of the square's side over which the view fades in from the square's border.
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
    """Make the view of a picture that was warped around a face.

    Args:
        logits: C × h × w, at the network's own resolution.
        card: The model's card.
        warp: The warp that made the network's input.
        layer: Views of a higher layer cover views of lower layers.
        reach: Half side of the square around the template's centre in which the view counts, in halves of the
            template's side.
        feather: Fraction of this square's side over which the view fades in from the square's border.
    """
    to_grid = _compose(input_to_grid(card, logits.shape[-2:]), warp.to_input())
    return View(logits, to_grid, warp.to_frame(reach), feather, layer, warp.before())


def input_to_grid(card: Card, grid_size: tuple[int, ...]) -> Affine:
    """Return the 2 × 3 affine map from points of the network's input to index coordinates in the logits.

    With `align_corners` the outermost samples lie on the centres of the outermost input pixels;
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
    """Return the affine map that applies `inner`, then `outer`."""
    return np.asarray(outer @ np.vstack([inner, [0.0, 0.0, 1.0]]), np.float64)
