"""Views land where the network looked: a half-plane painted into logits comes back in place."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.faces import Square
from faceparse.faces.views import input_to_grid, square_view, whole_view
from faceparse.results import View, render_labels
from faceparse.weights import Card, card
from faceparse.weights.card import Grid

BASE = card("bisenet-resnet18-zllrunning")
SIZE = (240, 320)
Points = NDArray[np.float64]


def made_card(size: tuple[int, int], stride: int, align_corners: bool) -> Card:
    return replace(BASE, input=replace(BASE.input, size=size), output=Grid(stride, align_corners))


def samples(size: tuple[int, int], stride: int, align_corners: bool) -> tuple[Points, Points]:
    """Where the grid's samples lie on the input, x and y, by the definition of each convention."""
    at = []
    for pixels in size[::-1]:
        cells = pixels // stride
        index = np.arange(cells)
        corners = 0.5 + index * (pixels - 1) / (cells - 1)
        at.append(corners if align_corners else (index + 0.5) * stride)
    x, y = np.meshgrid(*at)
    return x, y


def half_plane(x: Points, y: Points, normal: tuple[float, float], offset: float) -> NDArray[np.float32]:
    """Two-class logits, class 1 where normal · (x, y) > offset; linear, so that interpolation is exact."""
    d = normal[0] * x + normal[1] * y - offset
    return np.stack([-d, d]).astype(np.float32)


def assert_in_place(view: View, normal: tuple[float, float], offset: float) -> None:
    """Labels right wherever the point is a hundredth of a pixel or more from the edge and on the grid."""
    labels = render_labels([view], SIZE)
    x, y = np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5)
    d = normal[0] * x + normal[1] * y - offset
    c, r = (m[0] * x + m[1] * y + m[2] for m in view.to_grid)
    inside = (c >= 0) & (r >= 0) & (c <= view.logits.shape[2] - 1) & (r <= view.logits.shape[1] - 1)
    if view.frame is not None:
        u, v = (m[0] * x + m[1] * y + m[2] for m in view.frame)
        # Where background, the class below, mixes in, the edge moves.
        inside &= np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) > view.feather + 1e-6
    sure = inside & (np.abs(d) > 0.01)
    np.testing.assert_array_equal(labels[sure], (d > 0)[sure].astype(np.uint8))


@given(
    size=st.sampled_from([(64, 64), (96, 160)]),
    stride=st.sampled_from([4, 8]),
    align_corners=st.booleans(),
    turn=st.floats(0, 6.28),
)
def test_whole_picture(size: tuple[int, int], stride: int, align_corners: bool, turn: float) -> None:
    normal = (float(np.cos(turn)), float(np.sin(turn)))
    offset = normal[0] * 150 + normal[1] * 130
    x, y = samples(size, stride, align_corners)
    logits = half_plane(x * SIZE[1] / size[1], y * SIZE[0] / size[0], normal, offset)
    assert_in_place(whole_view(logits, made_card(size, stride, align_corners), SIZE), normal, offset)


@given(
    size=st.sampled_from([(64, 64), (96, 160)]),
    stride=st.sampled_from([4, 8]),
    align_corners=st.booleans(),
    angle=st.floats(-180, 180),
    turn=st.floats(0, 6.28),
)
def test_turned_square(
    size: tuple[int, int], stride: int, align_corners: bool, angle: float, turn: float
) -> None:
    square = Square((150, 130), (80, 0), (0, 80)).rotate(angle)
    normal = (float(np.cos(turn)), float(np.sin(turn)))
    offset = normal[0] * 145 + normal[1] * 133
    x, y = samples(size, stride, align_corners)
    u, v = 2 * x / size[1] - 1, 2 * y / size[0] - 1
    px = square.centre[0] + u * square.x[0] + v * square.y[0]
    py = square.centre[1] + u * square.x[1] + v * square.y[1]
    logits = half_plane(px, py, normal, offset)
    view = square_view(logits, made_card(size, stride, align_corners), square, layer=1, feather=0.05)
    assert_in_place(view, normal, offset)


def test_outside_a_square_is_background() -> None:
    logits = np.stack([np.zeros((8, 8)), np.ones((8, 8))]).astype(np.float32)
    view = square_view(
        logits, made_card((64, 64), 8, False), Square((50, 60), (20, 0), (0, 20)), layer=0, feather=0
    )
    expected = np.zeros(SIZE, np.uint8)
    expected[40:80, 30:70] = 1
    np.testing.assert_array_equal(render_labels([view], SIZE), expected)


@pytest.mark.parametrize("align_corners", [True, False])
def test_one_cell_and_one_pixel(align_corners: bool) -> None:
    matrix = input_to_grid(made_card((1, 1), 1, align_corners), (1, 1))
    assert np.isfinite(matrix).all()
    np.testing.assert_allclose(matrix @ [0.5, 0.5, 1], [0, 0])
