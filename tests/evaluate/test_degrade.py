"""Degraded pictures: what each name means, and that it is the same each time."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.errors import ConfigError
from faceparse.evaluate import degradation

NAMES = ["blur4", "down64", "down40", "noise25", "dark", "blur0.5"]


def picture(height: int = 512, width: int = 512, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_what_the_names_mean_at_512() -> None:
    one = picture()
    small = cv2.resize(one, (64, 64), interpolation=cv2.INTER_AREA)
    expected = {
        "blur4": cv2.GaussianBlur(one, (0, 0), 4),
        "down64": cv2.resize(small, (512, 512), interpolation=cv2.INTER_LINEAR),
        "dark": np.rint(one * 0.2),
    }
    for name, wanted in expected.items():
        np.testing.assert_array_equal(degradation(name)(one), wanted)


def test_noise_is_normal_and_clipped() -> None:
    grey = np.full((512, 512, 3), 128, np.uint8)
    noise = degradation("noise25")(grey).astype(float) - 128
    assert abs(noise.mean()) < 0.2
    assert noise.std() == pytest.approx(25, abs=0.2)
    assert np.mean(np.abs(noise) < 25) == pytest.approx(0.683, abs=0.02)
    white = degradation("noise25")(np.full((64, 64, 3), 255, np.uint8))
    assert 0.4 < np.mean(white == 255) < 0.6


def test_noise_goes_by_the_seed_and_the_picture() -> None:
    one, other = (degradation("noise25", seed)(picture()) for seed in (0, 1))
    np.testing.assert_array_equal(one, degradation("noise25", 0)(picture().copy(order="F")))
    assert not np.array_equal(one, other)
    shift = degradation("noise25")(np.full((64, 64, 3), 99, np.uint8)).astype(int) - 99
    assert not np.array_equal(shift, degradation("noise25")(np.full((64, 64, 3), 100, np.uint8)) - 100)


@pytest.mark.parametrize("name", NAMES)
@given(height=st.integers(16, 90), width=st.integers(16, 90))
def test_size_and_type_stay_and_the_picture_is_not_written_to(name: str, height: int, width: int) -> None:
    one = picture(height, width)
    before = one.copy()
    out = degradation(name)(one)
    assert (out.shape, out.dtype) == (one.shape, one.dtype)
    np.testing.assert_array_equal(one, before)


@pytest.mark.parametrize("name", ["blur4", "down64", "noise25", "dark"])
@pytest.mark.parametrize("side", [256, 1024])
def test_other_sizes_look_as_a_512_px_picture_does(name: str, side: int) -> None:
    rows, columns = np.mgrid[:512, :512]
    smooth = np.dstack([127 + 100 * np.sin(rows / 40) * np.cos(columns / 30)] * 3).astype(np.uint8)
    scaled = np.asarray(cv2.resize(smooth, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    out, wanted = degradation(name)(scaled), degradation(name)(smooth)

    def coarse(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(cv2.resize(image.astype(float), (256, 256), interpolation=cv2.INTER_AREA))

    spread = 2 if name != "noise25" else 15
    assert np.abs(coarse(out) - coarse(wanted)).mean() < spread
    assert (coarse(out) - coarse(scaled)).std() == pytest.approx(
        (coarse(wanted) - coarse(smooth)).std(), abs=1.5
    )


@pytest.mark.parametrize("name", ["", "blur", "blur0", "blur-1", "dark2", "fog3", "down1e3", "noise 25"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="blurN, downN, noiseN or dark"):
        degradation(name)
