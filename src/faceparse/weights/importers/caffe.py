"""Read Caffe's `.caffemodel` without Caffe and without generated protobuf code.

The file is a protobuf message of type NetParameter, see
https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto. Old files store layers as `layers`
(V1LayerParameter), newer files as `layer` (LayerParameter). This module reads both and skips all other
fields.

>>> read_caffemodel(b"")
Traceback (most recent call last):
faceparse.weights.protobuf.ProtobufError: it holds no layer with weights
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import prod

import numpy as np
from numpy.typing import NDArray

from faceparse.weights.protobuf import Message, ProtobufError

Floats = NDArray[np.float32]

_LAYERS = {100: (1, 7), 2: (4, 6)}
"""Field of NetParameter → its fields of name and blobs, for LayerParameter and V1LayerParameter."""

_ROLES = ("weight", "bias")
_DATA, _SHAPE, _DIM = 5, 7, 1
_LEGACY = (1, 2, 3, 4)
"""Fields num, channels, height and width: a blob's shape in files older than the field `shape`."""

_MOST_AXES = 32
"""Caffe's limit of a blob's axes."""


def read_caffemodel(data: bytes) -> dict[str, Floats]:
    """Return the arrays of every layer that has any: `conv1.weight`, `conv1.bias`; a third array is `conv1.2`.

    Args:
        data: Content of the whole file.

    Raises:
        ProtobufError: not a Caffe model, truncated, or an array that does not match its shape.
    """
    message = Message(memoryview(data))
    arrays: dict[str, Floats] = {}
    for number, value in message.fields():
        if number in _LAYERS and isinstance(value, memoryview):
            for name, array in _layer(message.inner(value), *_LAYERS[number]):
                arrays[name] = array
    if not arrays:
        raise ProtobufError("it holds no layer with weights")
    return arrays


def _layer(message: Message, name_field: int, blob_field: int) -> Iterator[tuple[str, Floats]]:
    name, blobs = "", []
    for number, value in message.fields():
        if number == name_field and isinstance(value, memoryview):
            name = bytes(value).decode("utf-8", "replace")
        elif number == blob_field and isinstance(value, memoryview):
            blobs.append(value)
    for index, blob in enumerate(blobs):
        full_name = f"{name}.{_ROLES[index] if index < len(_ROLES) else index}"
        yield full_name, _blob(message.inner(blob), full_name)


def _blob(message: Message, name: str) -> Floats:
    numbers = bytearray()
    dims: list[int] | None = None
    legacy: dict[int, int] = {}
    for number, value in message.fields():
        if isinstance(value, int):
            if number in _LEGACY:
                legacy[number] = value
        elif number == _DATA:
            numbers += value
        elif number == _SHAPE:
            dims = _dims(message.inner(value))
    if len(numbers) % 4:
        raise ProtobufError(f"the numbers of {name} are cut short or damaged")
    flat = np.frombuffer(numbers, "<f4")
    shape = _legacy_shape(legacy) if dims is None and legacy else dims
    if shape is None:
        return flat
    if len(shape) > _MOST_AXES or prod(shape) != flat.size or not flat.size:
        raise ProtobufError(f"{name} has {flat.size:,} numbers, not those that its shape says")
    return flat.reshape(shape)


def _dims(shape: Message) -> list[int]:
    dims: list[int] = []
    for number, value in shape.fields():
        if number == _DIM:
            dims += (
                [value] if isinstance(value, int) else islice(shape.inner(value).varints(), _MOST_AXES + 1)
            )
    return dims[: _MOST_AXES + 1]


def _legacy_shape(legacy: dict[int, int]) -> list[int]:
    """Return the shape without the padding axes: (1, 1, 1, n) is a vector, (1, 1, m, n) a matrix."""
    shape = [legacy.get(axis, 1) for axis in _LEGACY]
    if shape[:3] == [1, 1, 1]:
        return shape[3:]
    return shape[2:] if shape[:2] == [1, 1] else shape
