"""The one-euro filter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceparse.frames.oneeuro import OneEuro

values = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


@given(values)
def test_it_stays_within_what_was_measured(numbers: list[float]) -> None:
    smoothed = OneEuro(1.0, 0.5)
    for i, number in enumerate(numbers):
        out = smoothed(np.array([number]), i / 30)
        assert min(numbers[: i + 1]) - 1e-6 <= out[0] <= max(numbers[: i + 1]) + 1e-6


@given(st.floats(-1e3, 1e3), values)
def test_it_moves_with_its_input(offset: float, numbers: list[float]) -> None:
    here, there = OneEuro(1.0, 0.5), OneEuro(1.0, 0.5)
    for i, number in enumerate(numbers):
        near, far = here(np.array([number]), i / 30), there(np.array([number + offset]), i / 30)
        assert np.allclose(near + offset, far, atol=1e-6)


def test_noise_shrinks_and_fast_motion_lags_little() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 200)
    smoothed = OneEuro(1.0, 0.0)
    assert np.std([smoothed(np.array([n]), i / 30)[0] for i, n in enumerate(noise)][30:]) < 0.5
    lags = []
    for beta in (0.0, 1.0):
        smoothed = OneEuro(1.0, beta)
        lags.append(29 * 20 - [smoothed(np.array([20.0 * i]), i / 30)[0] for i in range(30)][-1])
    assert lags[1] < 0.1 * lags[0]


def test_a_time_that_does_not_grow_begins_anew() -> None:
    smoothed = OneEuro()
    smoothed(np.array([0.0]), 5.0)
    assert smoothed(np.array([7.0]), 1.0) == 7.0
