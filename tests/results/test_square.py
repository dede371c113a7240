"""Aligned squares and their crops: the published rule, exact geometry, no aliasing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.errors import ImageError
from faceparse.results.square import Square, crop

Points = NDArray[np.float64]


def applied(matrix: Points, points: Points) -> Points:
    return points @ matrix[:, :2].T + matrix[:, 2]


@st.composite
def squares(draw: st.DrawFn, low: float = 60, high: float = 340, longest: float = 120) -> Square:
    """A square around somewhere in a picture, of any size and turn."""
    centre = (draw(st.floats(low, high)), draw(st.floats(low, high)))
    half, angle = draw(st.floats(20, longest)), math.radians(draw(st.floats(-180, 180)))
    x = (half * math.cos(angle), half * math.sin(angle))
    return Square(centre, x, (-x[1], x[0]))


FACE = np.array([[40.0, 45], [60, 45], [50, 55], [42, 66], [58, 66]])


def test_rule_on_an_upright_face() -> None:
    # e = (20, 0), m = (0, 21): x = e − rot90(m) = (41, 0), length max(40, 37.8) = 40.
    square = Square.from_landmarks(FACE)
    assert square.centre == pytest.approx((50, 47.1))
    assert square.x == pytest.approx((40, 0))
    assert square.y == pytest.approx((0, 40))
    assert square.side == pytest.approx(80)
    assert square.angle == pytest.approx(0)


@given(st.integers(0, 2**32 - 1))
def test_rule_is_the_published_formula(seed: int) -> None:
    points = FACE + np.random.default_rng(seed).uniform(-6, 6, (5, 2))
    # As FFHQ's and CelebA-HQ's scripts write it.
    eye_avg, mouth_avg = (points[0] + points[1]) * 0.5, (points[3] + points[4]) * 0.5
    eye_to_eye, eye_to_mouth = points[1] - points[0], mouth_avg - eye_avg
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x /= np.hypot(*x)
    x *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y, c = np.flipud(x) * [-1, 1], eye_avg + eye_to_mouth * 0.1
    square = Square.from_landmarks(points)
    np.testing.assert_allclose(square.corners, [c - x - y, c + x - y, c + x + y, c - x + y])


@given(squares(), st.floats(-360, 360))
def test_a_turned_face_has_a_turned_square(square: Square, angle: float) -> None:
    turned = square.rotate(angle)
    assert (turned.angle - square.angle - angle + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert turned.side == pytest.approx(square.side)
    assert turned.centre == square.centre


@given(squares())
def test_maps_take_corners_to_corners(square: Square) -> None:
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    np.testing.assert_allclose(applied(square.to_frame(), square.corners), unit, atol=1e-9)
    pixels = applied(square.to_pixels((300, 200)), square.corners)
    np.testing.assert_allclose(pixels, unit * [200, 300], atol=1e-6)


@given(squares(), st.floats(0.5, 4))
def test_scaled_keeps_middle_and_angle(square: Square, factor: float) -> None:
    wider = square.scale(factor)
    assert wider.side == pytest.approx(factor * square.side)
    assert wider.centre == square.centre
    assert wider.angle == pytest.approx(square.angle)


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2))])
def test_landmarks_that_are_no_face_are_refused(bad: Points) -> None:
    with pytest.raises(ImageError, match="landmarks"):
        Square.from_landmarks(bad)


SLOPES = np.array([[0.487, 0.131], [-0.119, 0.473], [0.311, -0.293]])
"""Grey levels per pixel across and down, in red, green and blue; askew, so that rounding averages out."""


def gradient(points: Points) -> Points:
    return np.asarray((points - 200) @ SLOPES.T + 128, np.float64)


def centres(size: int) -> Points:
    at = np.arange(size) + 0.5
    return np.stack(np.meshgrid(at, at), -1)


@given(squares(140, 260, 80), st.sampled_from([48, 96, 200, 512]))
def test_a_gradient_stays_the_same_gradient(square: Square, size: int) -> None:
    image = gradient(centres(400)).round().astype(np.uint8)
    made = crop(image, square, (size, size)).astype(float)
    negative = 255.0 - crop(255 - image, square, (size, size))
    back = np.linalg.inv(np.vstack([square.to_pixels((size, size)), [0, 0, 1]]))[:2]
    expected = gradient(applied(back, centres(size)))
    assert np.abs(made - expected).max() < 2
    # Rounding up cancels between a picture and its negative; a shift does not: half a pixel is 0.24 levels.
    assert np.abs(((made + negative) / 2 - expected).mean((0, 1))).max() < 0.2


@given(squares(130, 270, 90), st.sampled_from([64, 160, 400]), st.integers(0, 2**32 - 1))
def test_a_spot_returns_to_where_it_was(square: Square, size: int, seed: int) -> None:
    u, v = np.random.default_rng(seed).uniform(-0.5, 0.5, 2)
    spot = np.array(square.centre) + u * np.array(square.x) + v * np.array(square.y)
    at = np.arange(400) + 0.5
    bell = np.exp(-((at - spot[0]) ** 2 + (at[:, None] - spot[1]) ** 2) / (2 * 4**2))
    image = np.repeat((bell * 255).round().astype(np.uint8)[..., None], 3, 2)
    made = crop(image, square, (size, size))[..., 0].astype(float)
    c = np.arange(size) + 0.5
    found = np.array([(made * c).sum(), (made * c[:, None]).sum()]) / made.sum()
    back = np.linalg.inv(np.vstack([square.to_pixels((size, size)), [0, 0, 1]]))[:2]
    assert math.dist(applied(back, found[None])[0], spot) < 0.5


@pytest.mark.parametrize("angle", [0, 20, 45])
def test_fine_patterns_shrink_to_grey(angle: float) -> None:
    checkers = (np.indices((800, 800)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(checkers[..., None], 3, 2)
    made = crop(image, Square((400, 400), (200, 0), (0, 200)).rotate(angle), (100, 100))
    assert np.abs(made.astype(float) - 127.5).max() < 6


def test_mirrored_where_the_square_leaves_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    made = crop(image, Square((0, 0), (32, 0), (0, 32)), (64, 64))
    np.testing.assert_array_equal(made[32:, 32:], image[:32, :32])
    np.testing.assert_array_equal(made[:, ::-1], made)
    np.testing.assert_array_equal(made[::-1], made)
    right = crop(image, Square((64, 40), (16, 0), (0, 16)), (32, 32))
    np.testing.assert_array_equal(right[:, :16], image[24:56, 48:])
    np.testing.assert_array_equal(right[:, ::-1], right)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 2)])
@pytest.mark.parametrize("centre", [(0.5, 0.5), (300, 300), (-900, 40)])
def test_any_square_of_any_picture(shape: tuple[int, int], centre: tuple[float, float]) -> None:
    image = np.full((*shape, 3), 9, np.uint8)
    made = crop(image, Square(centre, (70, 20), (-20, 70)), (32, 48))
    assert made.shape == (32, 48, 3)
    assert (made == 9).all()


def test_unturned_square_of_the_crops_own_size_is_a_copy() -> None:
    image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    made = crop(image, Square((60, 45), (20, 0), (0, 20)), (40, 40))
    np.testing.assert_array_equal(made, image[25:65, 40:80])


def test_a_small_part_of_a_huge_picture_is_all_that_is_read() -> None:
    huge = np.broadcast_to(np.uint8(7), (60_000, 60_000, 3))  # 10 GB, were it ever copied
    assert (crop(huge, Square((30_000, 59_990), (200, 0), (0, 200)), (64, 64)) == 7).all()
