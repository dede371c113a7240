"""Caffe models that the tests write themselves, whole and broken; no Caffe, no protobuf, no torch."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.weights import protobuf
from faceparse.weights.importers.caffe import read_caffemodel
from faceparse.weights.protobuf import ProtobufError
from tests.weights.caffe_writer import Layers, floats, message, new_model, number, old_model, varint

RNG = np.random.default_rng(0)
LAYERS = {
    "conv1": [RNG.standard_normal((4, 3, 3, 3), np.float32), RNG.standard_normal(4, np.float32)],
    "scale": [RNG.standard_normal(4, np.float32)],
    "full": [RNG.standard_normal((5, 7), np.float32), RNG.standard_normal(5, np.float32)],
    "norm": [RNG.standard_normal(4, np.float32) for _ in range(3)],
}
Model = Callable[[Layers], Iterator[bytes | memoryview]]
both = pytest.mark.parametrize("model", [new_model, old_model])


def one_blob(*parts: bytes | memoryview) -> bytes:
    return message(100, message(1, b"a"), message(7, *parts))


def fault(data: bytes) -> str:
    with pytest.raises(ProtobufError) as raised:
        read_caffemodel(data)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@both
def test_both_layer_formats(model: Model) -> None:
    found = read_caffemodel(b"".join(model(LAYERS)))
    assert list(found) == [
        "conv1.weight", "conv1.bias", "scale.weight", "full.weight", "full.bias", "norm.weight", "norm.bias", "norm.2",
    ]  # fmt: skip
    wanted = [array for arrays in LAYERS.values() for array in arrays]
    for array, (name, got) in zip(wanted, found.items(), strict=True):
        np.testing.assert_array_equal(got, array, err_msg=name)
        assert got.dtype == np.float32
        assert got.flags.writeable
        assert got.flags.aligned


def test_numbers_one_by_one_and_without_a_shape() -> None:
    value = np.array([1.5, -2], np.float32)
    loose = b"".join(varint(5 << 3 | 5) + bytes(floats(value[i : i + 1])) for i in range(2))
    dims_one_by_one = message(7, number(1, 2), number(1, 1))
    for parts, shape in (((loose,), (2,)), ((dims_one_by_one, loose), (2, 1))):
        got = read_caffemodel(one_blob(*parts))["a.weight"]
        np.testing.assert_array_equal(got, value.reshape(shape))


def test_unknown_fields_are_passed_over() -> None:
    extra = (
        number(99, 7) + message(98, b"x") + varint(97 << 3 | 1) + bytes(8) + varint(96 << 3 | 5) + bytes(4)
    )
    data = extra + message(100, message(1, b"a"), extra, message(7, message(5, bytes(4)), extra)) + extra
    assert read_caffemodel(data)["a.weight"].shape == (1,)


@pytest.mark.parametrize(
    ("data", "message_"),
    [
        (b"", "no layer with weights"),
        (message(1, b"only a name"), "no layer with weights"),
        (b"<!DOCTYPE html>", "not a protobuf message|cut short or damaged"),
        (b"\x0b", "not a protobuf message"),
        (b"\x80" * 20, "not a protobuf message"),
        (varint(100 << 3 | 2) + varint(1 << 60) + b"x", "cut short or damaged"),
        (one_blob(message(5, b"123")), "numbers of a.weight are cut short"),
        (one_blob(message(7, message(1, b"\x03")), message(5, bytes(8))), "has 2 numbers, not"),
        (one_blob(message(7, message(1, b"\x00"))), "has 0 numbers, not"),
        (one_blob(message(7, message(1, b"\x02"))), "has 0 numbers, not"),
        (one_blob(message(7, message(1, b"\x01" * 33)), message(5, bytes(4))), "has 1 numbers, not"),
        (one_blob(message(7, number(1, (1 << 64) - 2)), message(5, bytes(4))), "has 1 numbers, not"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message_: str) -> None:
    import re

    assert re.search(message_, fault(data))


def test_a_file_made_to_keep_the_reader_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "_MOST_FIELDS", 100)
    assert fault(number(1, 1) * 101) == "it has more than 100 fields"
    assert "more than" in fault(one_blob(*[number(1, 1)] * 101))


WHOLE = b"".join(new_model(LAYERS))


@given(st.integers(0, len(WHOLE) - 1))
def test_cut_short_anywhere(length: int) -> None:
    """A cut between two layers gives a whole file of fewer layers, which strict loading then refuses."""
    try:
        found = read_caffemodel(WHOLE[:length])
    except ProtobufError:
        return
    assert len(found) < sum(map(len, LAYERS.values()))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    _read_or_refuse(data)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_any_byte_changed(at: int, value: int) -> None:
    _read_or_refuse(WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :])


def _read_or_refuse(data: bytes) -> dict[str, NDArray[np.float32]]:
    try:
        return read_caffemodel(data)
    except ProtobufError:
        return {}
