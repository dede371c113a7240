"""Outlines are exact: filled again they are the mask, and their area is its."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.errors import ConfigError
from faceparse.writers import polygons


def area(ring: NDArray[np.int32]) -> float:
    x, y = ring.astype(float).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def filled(rings: list[NDArray[np.int32]], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """How many rings go round each pixel's centre, by the upright edges to its left: even-odd in each ring."""
    total = np.zeros(shape, np.intp)
    for ring in rings:
        crossed = np.zeros((shape[0], shape[1] + 1), np.intp)
        for (x, y), (x2, y2) in zip(ring, np.roll(ring, -1, 0), strict=True):
            assert x == x2 or y == y2, "along the pixels' edges"
            if x == x2:
                crossed[min(y, y2) : max(y, y2), x] += 1
        total += crossed.cumsum(1)[:, :-1] % 2
    return total


@st.composite
def masks(draw: st.DrawFn) -> NDArray[np.bool_]:
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random((height, width)) < draw(st.sampled_from([0.2, 0.5, 0.8, 0.95]))
    return mask.repeat(draw(st.integers(1, 4)), 0).repeat(draw(st.integers(1, 4)), 1)


@given(masks())
def test_filling_gives_the_mask(mask: NDArray[np.bool_]) -> None:
    rings = polygons(mask)
    np.testing.assert_array_equal(filled(rings, mask.shape), mask)
    assert sum(map(area, rings)) == mask.sum()


def test_a_ring_round_two_holes_and_an_island() -> None:
    mask = np.ones((9, 12), np.uint8)
    mask[2:7, 2:5] = mask[2:7, 7:10] = 0
    mask[4, 3] = 1
    rings = polygons(mask)
    assert len(rings) == 2
    assert [area(r) for r in rings] == [9 * 12 - 30, 1]
    np.testing.assert_array_equal(filled(rings, mask.shape), mask)


def test_corners_alone() -> None:
    assert [r.tolist() for r in polygons(np.ones((30, 40), np.bool_))] == [
        [[0, 0], [0, 30], [40, 30], [40, 0]]
    ]
    assert polygons(np.zeros((3, 4), np.uint8)) == []


@given(masks(), st.floats(0.5, 5))
def test_tolerance_leaves_out_points(mask: NDArray[np.bool_], tolerance: float) -> None:
    exact, fewer = polygons(mask), polygons(mask, tolerance)
    assert len(exact) == len(fewer)
    assert sum(map(len, fewer)) <= sum(map(len, exact))
    assert all(len(ring) > 2 for ring in fewer)


def test_tolerance_keeps_the_shape() -> None:
    disc = np.zeros((200, 200), np.uint8)
    cv2.circle(disc, (100, 100), 80, (1,), -1)
    (exact,), (ring,) = polygons(disc), polygons(disc, 1)
    assert len(ring) < len(exact) / 4
    assert area(ring) == pytest.approx(disc.sum(), rel=0.02)
    distance = np.hypot(*(ring - 100.5).T)
    assert (np.abs(distance - 80) < 2).all()


@pytest.mark.parametrize("tolerance", [-1, float("nan"), float("inf"), 1e31])
def test_tolerance_out_of_range(tolerance: float) -> None:
    with pytest.raises(ConfigError, match="tolerance is a distance"):
        polygons(np.ones((2, 2), np.uint8), tolerance)
