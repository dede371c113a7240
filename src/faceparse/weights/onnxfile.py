"""The card inside an ONNX file, read without onnx and without touching the graph.

>>> from faceparse.weights.onnxfile import onnx_card
>>> onnx_card("model.onnx").id  # doctest: +SKIP
'default'

An ONNX file is one protobuf message; its metadata are walked to by hand, so that the core needs no
onnx and the size of the model costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from faceparse.errors import WeightsError
from faceparse.weights.card import Card, embedded
from faceparse.weights.checkpoint import CARD_KEY

_GRAPH, _METADATA = 7, 14  # fields of ONNX's ModelProto
_KEY, _VALUE = 1, 2  # of its StringStringEntryProto


class _DamagedError(Exception):
    pass


def onnx_card(path: str | Path) -> Card | None:
    """The card inside an ONNX file, None where it carries none.

    Raises:
        WeightsError: no such file, not ONNX, cut short, or a card that is damaged.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            text = _card_text(file, path.stat().st_size)
    except FileNotFoundError:
        raise WeightsError(f"no model file {path}") from None
    except OSError as error:
        raise WeightsError(f"cannot read model file {path}: {error.strerror}") from None
    except (_DamagedError, UnicodeDecodeError):
        raise _not_onnx(path) from None
    return None if text is None else embedded(text, path)


def _not_onnx(path: Path) -> WeightsError:
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return WeightsError(f"{path} is empty: get or export it again")
    if start.startswith(b"version https://git-lfs"):
        return WeightsError(f"{path} is a Git LFS pointer, not the model itself: run `git lfs pull` there")
    if start[0] == 8:  # every ONNX writer begins with field 1, the format's version
        return WeightsError(f"{path} is cut short or damaged: get or export it again")
    return WeightsError(f"{path} is not an ONNX model, whatever its name says")


def _card_text(file: BinaryIO, size: int) -> str | None:
    text, graph = None, False
    for number, content in _fields(file, size, wanted=_METADATA):
        graph |= number == _GRAPH
        if number == _METADATA:
            entry = dict(_fields(BytesIO(content), len(content)))
            if entry.get(_KEY) == CARD_KEY.encode():
                text = entry.get(_VALUE, b"").decode()
    if not graph:
        raise _DamagedError
    return text


def _fields(file: BinaryIO, size: int, wanted: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Length-delimited fields of a protobuf message; only the wanted number's content is read.

    https://protobuf.dev/programming-guides/encoding/
    """
    while file.tell() < size:
        tag = _varint(file)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            _varint(file)
        elif wire in (1, 2, 5):
            length = _varint(file) if wire == 2 else 8 if wire == 1 else 4
            end = file.tell() + length
            if end > size:
                raise _DamagedError
            content = file.read(length) if wire == 2 and wanted in (None, number) else b""
            file.seek(end)
            if wire == 2:
                yield number, content
        else:
            raise _DamagedError


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise _DamagedError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise _DamagedError
