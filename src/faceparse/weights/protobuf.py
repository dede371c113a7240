r"""Read protobuf messages field by field, without a schema and without the package protobuf.

>>> list(Message(memoryview(b"\x08\x07")).fields())
[(1, 7)]

The encoding: https://protobuf.dev/programming-guides/encoding/. ONNX and Caffe files are protobuf messages.
"""

from __future__ import annotations

from collections.abc import Iterator

_MOST_FIELDS = 1_000_000
"""Largest number of fields in a file; real files have some ten thousand, malicious files may have more."""

_VARINT = 0
_SIZES = {_VARINT: 0, 1: 8, 2: 0, 5: 4}
"""Wire type → bytes of a value; 0: a varint states the value, or its length."""


class ProtobufError(ValueError):
    """Not a protobuf message, or a damaged one; the text completes a sentence about the file."""


class Message:
    """A protobuf message; one limit on the number of fields covers all messages of a file."""

    def __init__(self, data: memoryview, budget: list[int] | None = None) -> None:
        self._data = data
        self._at = 0
        self._budget = [_MOST_FIELDS] if budget is None else budget

    def inner(self, data: memoryview) -> Message:
        """Return a message inside this one."""
        return Message(data, self._budget)

    def fields(self) -> Iterator[tuple[int, int | memoryview]]:
        """Yield field number and value: an integer for a varint, the bytes for all other types."""
        while self._at < len(self._data):
            self._budget[0] -= 1
            if self._budget[0] < 0:
                raise ProtobufError(f"it has more than {_MOST_FIELDS:,} fields")
            number, kind = divmod(self.varint(), 8)
            # Other readers ignore bits from 2^29 on, and see another field.
            if number >> 29 or kind not in _SIZES:
                raise ProtobufError("it is not a protobuf message")
            value = _SIZES[kind] or self.varint()
            yield number, value if kind == _VARINT else self._take(value)

    def varints(self) -> Iterator[int]:
        """Yield the whole message as packed varints."""
        while self._at < len(self._data):
            yield self.varint()

    def varint(self) -> int:
        """Return the next varint (seven bits per byte) as an unsigned integer."""
        value = 0
        for shift in range(0, 64, 7):
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ProtobufError("it is not a protobuf message")

    def _take(self, length: int) -> memoryview:
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise ProtobufError("it is cut short or damaged")
        return self._data[start : self._at]
