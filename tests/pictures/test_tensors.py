"""Tensors as pictures, PyTorch's where it is installed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import faceparse
from faceparse.errors import ImageError
from faceparse.pictures import read_picture
from tests.pictures.test_picture import TensorLike

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("kind", ["uint8", "float16", "float32", "float64"])
def test_every_order_and_type_is_the_same_picture(channels_first: bool, kind: str) -> None:
    values = PIXELS if kind == "uint8" else (PIXELS / 255).astype(kind)
    picture = read_picture(TensorLike(values.transpose(2, 0, 1) if channels_first else values))
    np.testing.assert_array_equal(picture, PIXELS)
    assert picture.flags.c_contiguous


@given(st.floats(0, 1, width=32))
def test_floats_are_rounded(value: float) -> None:
    picture = read_picture(TensorLike(np.full((3, 16, 16), value, np.float32)))
    assert (abs(picture / 255 - value) <= 0.5 / 255 + 1e-6).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (PIXELS.astype(np.float32), "floats from 0 to 1; got 0.0 to 255.0: scale it"),
        (np.full((3, 16, 16), np.nan), "floats from 0 to 1"),
        (PIXELS[None], r"parse takes list\(images\)"),
        (np.zeros((1, 20, 30)), "expected an RGB picture"),
        (PIXELS.astype(np.int64), "type int64"),
        (np.zeros((3, 0, 4)), "px|expected"),
    ],
)
def test_what_is_no_picture_is_named(values: NDArray[Any], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_picture(TensorLike(values))


@pytest.mark.torch
def test_tensors_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(PIXELS.copy()).permute(2, 0, 1)
    floats = (tensor / 255).requires_grad_()
    for one in (tensor, floats, floats.half(), floats.double(), tensor.permute(1, 2, 0)):
        np.testing.assert_array_equal(read_picture(one), PIXELS)
    np.testing.assert_allclose(read_picture(floats.bfloat16()), PIXELS, atol=1)
    with pytest.raises(ImageError, match="parse takes"):
        read_picture(tensor[None])


@pytest.mark.torch
def test_a_batch_is_parsed_as_a_list() -> None:
    torch = pytest.importorskip("torch")
    parsings = faceparse.parse(list(torch.zeros(2, 3, 40, 50)))
    assert [p.labels.shape for p in parsings] == [(40, 50)] * 2
