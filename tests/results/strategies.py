"""Views of all kinds for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.faces.strict import EXCLUDED_LOGIT
from faceparse.results import View

Size = tuple[int, int]

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def random_logits(seed: int, classes: int, grid: Size, kind: str) -> NDArray[np.float32]:
    """`smooth` like a network's, also `excluding` classes, `noisy`, `steep` beyond exp(), or `tied`: few whole numbers."""
    rng = np.random.default_rng(seed)
    if kind == "tied":
        return rng.integers(-1, 2, (classes, *grid)).astype(np.float32)
    values = rng.normal(size=(classes, *grid)) * {"smooth": 6, "excluding": 6, "noisy": 3, "steep": 300}[kind]
    if kind in ("smooth", "excluding"):
        for axis in (1, 2):
            for _ in range(3):
                values = values + np.roll(values, 1, axis)
    if kind == "excluding":
        values[: classes - 1][rng.random(classes - 1) < 0.6] = EXCLUDED_LOGIT
    return values.astype(np.float32)


@st.composite
def logits(draw: st.DrawFn, classes: int, kinds: tuple[str, ...]) -> NDArray[np.float32]:
    grid = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    return random_logits(draw(st.integers(0, 2**32 - 1)), classes, grid, draw(st.sampled_from(kinds)))


def onto_grid(grid: Size, size: Size, align_corners: bool, mirrored: bool = False) -> NDArray[np.float64]:
    """`to_grid` of a whole picture squeezed into a network's square input."""
    matrix = np.zeros((2, 3))
    for axis, (cells, pixels) in enumerate(zip(grid[::-1], size[::-1], strict=True)):
        if align_corners:
            step = (cells - 1) / max(pixels - 1, 1)
            matrix[axis, axis], matrix[axis, 2] = step, -step / 2
        else:
            matrix[axis, axis], matrix[axis, 2] = cells / pixels, -0.5
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += grid[1] - 1
    return matrix


def whole(
    values: NDArray[np.float32], size: Size, align_corners: bool = False, mirrored: bool = False
) -> View:
    """A view of the whole picture."""
    return View(values, onto_grid(values.shape[1:], size, align_corners, mirrored))


def square(
    values: NDArray[np.float32],
    centre: tuple[float, float],
    side: float,
    angle: float,
    feather: float = 0.1,
    layer: int = 1,
) -> View:
    """A view of a turned square of the picture."""
    cos, sin = np.cos(angle) / side, np.sin(angle) / side
    frame = np.array([[cos, sin, 0], [-sin, cos, 0]])
    frame[:, 2] = 0.5 - frame[:, :2] @ centre
    to_grid = np.diag(np.array(values.shape[:0:-1], float)) @ frame
    to_grid[:, 2] -= 0.5
    return View(values, to_grid, frame, feather, layer)


def warped(
    values: NDArray[np.float32],
    centre: tuple[float, float],
    side: float,
    angle: float,
    framed: bool = False,
    layer: int = 1,
) -> View:
    """A view of all of the picture, drawn in around a turned square."""
    turned = square(values, centre, side, angle).frame
    assert turned is not None
    before = 2 * turned
    before[:, 2] -= 1
    height, width = values.shape[1:]
    to_grid = np.array([[width / 2, 0, width / 2 - 0.5], [0, height / 2, height / 2 - 0.5]])
    return View(values, to_grid, turned if framed else None, layer=layer, before=before)


@st.composite
def warped_views(draw: st.DrawFn, size: Size, classes: int, kinds: tuple[str, ...]) -> View:
    return warped(
        draw(logits(classes, kinds)),
        (draw(st.floats(0, 1)) * size[1], draw(st.floats(0, 1)) * size[0]),
        draw(st.floats(1, 60)),
        draw(st.sampled_from([0.0, 0.3, -2.0])),
        draw(st.booleans()),
        draw(st.integers(0, 2)),
    )


@st.composite
def whole_views(draw: st.DrawFn, size: Size, classes: int, kinds: tuple[str, ...]) -> View:
    return whole(draw(logits(classes, kinds)), size, draw(st.booleans()), draw(st.booleans()))


@st.composite
def square_views(draw: st.DrawFn, size: Size, classes: int, kinds: tuple[str, ...]) -> View:
    return square(
        draw(logits(classes, kinds)),
        (draw(st.floats(0, 1)) * size[1], draw(st.floats(0, 1)) * size[0]),
        draw(st.floats(1, 60)),
        draw(st.sampled_from([0.0, 0.3, -2.0, np.pi / 2])),
        draw(st.sampled_from([0.0, 0.1, 0.5])),
        draw(st.integers(0, 2)),
    )


@st.composite
def scenes(
    draw: st.DrawFn, kinds: tuple[str, ...] = ("smooth", "excluding", "noisy", "steep")
) -> tuple[list[View], Size, int]:
    """Views, size of the picture, number of classes."""
    size, classes = draw(sizes), draw(st.integers(1, 6))
    some = (
        whole_views(size, classes, kinds)
        | square_views(size, classes, kinds)
        | warped_views(size, classes, kinds)
    )
    return draw(st.lists(some, max_size=4)), size, classes
