"""Squeezing pictures into a network's input."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse.weights import Preprocessing


def pillows(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


@pytest.mark.parametrize("size", [(256, 256), (300, 470), (1000, 240)])
def test_up_to_twice_the_size_it_is_pillows(collins: NDArray[np.uint8], size: tuple[int, int]) -> None:
    np.testing.assert_array_equal(Preprocessing(size).resize(collins), pillows(collins, size))


@pytest.mark.parametrize("size", [(224, 224), (60, 100), (201, 230)])
@pytest.mark.parametrize("odd", [0, 1])
def test_beyond_it_is_near_to_pillows(collins: NDArray[np.uint8], size: tuple[int, int], odd: int) -> None:
    image = collins[odd:, odd:]
    found = Preprocessing(size).resize(image)
    assert found.shape == (*size, 3)
    assert np.abs(found.astype(int) - pillows(image, size)).mean() < 2


@pytest.mark.parametrize("side", [512, 513, 700])
def test_places_stay(side: int) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, side)[:, None, None], (side, side, 3))
    found = Preprocessing((100, 100)).resize(np.rint(ramp).astype(np.uint8))
    middle = (np.arange(100) + 0.5) / 100 * side - 0.5  # of the rows, in the picture's own
    np.testing.assert_allclose(found[5:-5, 50, 0], (middle * 255 / (side - 1))[5:-5], atol=1.5)
