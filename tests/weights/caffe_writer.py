"""Writes `.caffemodel` files of both layer formats, as protobuf's encoding says."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Layers = Mapping[str, Iterable[NDArray[np.float32]]]


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def content(field: int, *parts: bytes | memoryview) -> Iterator[bytes | memoryview]:
    yield varint(field << 3 | 2) + varint(sum(map(len, parts)))
    yield from parts


def message(field: int, *parts: bytes | memoryview) -> bytes:
    return b"".join(content(field, *parts))


def floats(array: NDArray[np.float32]) -> memoryview:
    return np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data


def new_blob(array: NDArray[np.float32]) -> list[bytes | memoryview]:
    shape = message(7, message(1, b"".join(map(varint, array.shape))))
    return [shape, *content(5, floats(array))]


def old_blob(array: NDArray[np.float32]) -> list[bytes | memoryview]:
    shape = (1,) * (4 - array.ndim) + array.shape
    return [*(number(i, n) for i, n in enumerate(shape, 1)), *content(5, floats(array))]


def new_model(layers: Layers) -> Iterator[bytes | memoryview]:
    """A NetParameter with `layer`s, in pieces; the first layer has no arrays, as an input."""
    yield message(1, b"a network")
    yield message(100, message(1, b"input"), message(2, b"Input"), number(10, 1))
    for name, arrays in layers.items():
        blobs = [piece for array in arrays for piece in content(7, *new_blob(array))]
        yield from content(100, message(1, name.encode()), message(2, b"Convolution"), *blobs)


def old_model(layers: Layers) -> Iterator[bytes | memoryview]:
    """A NetParameter with V1 `layers`, in pieces."""
    yield message(1, b"a network")
    for name, arrays in layers.items():
        blobs = [piece for array in arrays for piece in content(6, *old_blob(array))]
        yield from content(2, message(4, name.encode()), number(5, 4), *blobs)
