"""Read the card inside an ONNX file, and check its external data files, without the package onnx.

>>> from faceparse.weights.onnxfile import onnx_card
>>> onnx_card("model.onnx").id  # doctest: +SKIP
'default'

An ONNX file is one protobuf message. This module walks the message in the memory-mapped file, so the core
needs no onnx, and large weights take no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.weights.card import Card, card_from_json
from faceparse.weights.checkpoint import CARD_KEY
from faceparse.weights.contents import read_head
from faceparse.weights.protobuf import Message

_KEY, _VALUE = 1, 2  # fields of ONNX's StringStringEntryProto
_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 14: "metadata", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external data"},
}
"""Kind of message → field number → kind of the field's message, on all paths to tensors and metadata (onnx.proto)."""


def onnx_card(path: str | Path) -> Card | None:
    """Return the card inside an ONNX file, or None if there is no card.

    Raises:
        WeightsError: no such file, not ONNX, truncated, a damaged card, or external data in a file that is
            missing or outside the folder.
    """
    return _read(Path(path))[0]


def external_files(path: Path) -> list[Path]:
    """Return the other files that hold a part of an ONNX file's weights; raises as `onnx_card`."""
    return list(_read(path)[1])


def _read(path: Path) -> tuple[Card | None, tuple[Path, ...]]:
    head = read_head(path, "model")
    status = path.stat()
    return _walk(path, head[0], status.st_size, status.st_mtime_ns)


@lru_cache(8)
def _walk(path: Path, first: int, size: int, changed: int) -> tuple[Card | None, tuple[Path, ...]]:
    # Size and time of change are of the cache's key, so a new file at the same path is read anew.
    try:
        with path.open("rb") as file:
            model = Message(memoryview(mmap(file.fileno(), 0, access=ACCESS_READ)))
        entries = set(_entries(model))
        if ("graph", "", "") not in entries:
            raise ValueError
    except (ValueError, RecursionError):  # a damaged message or text, or graphs nested too deeply
        if first != 8:  # every ONNX writer begins with field 1, the format's version
            raise WeightsError(f"{path} is not an ONNX model, whatever its name says") from None
        raise WeightsError(f"{path} is cut short or damaged: get or export it again") from None
    names = [value for kind, key, value in sorted(entries) if (kind, key) == ("external data", "location")]
    for name in names:
        if not _is_beside(path, name):
            raise WeightsError(f"{path} has weights in {name[:200]!r}, which is not a file in its folder")
    card = {key: value for kind, key, value in entries if kind == "metadata"}.get(CARD_KEY)
    return None if card is None else card_from_json(card, path), tuple(path.parent / name for name in names)


def _is_beside(path: Path, name: str) -> bool:
    # The Hub's cache links to both files in another folder.
    folders = {path.parent.resolve(), path.resolve().parent}
    try:
        file = (path.parent / name).resolve()
        return file.is_file() and not folders.isdisjoint(file.parents)
    except (OSError, ValueError, RuntimeError):  # an impossible file name, or a loop of links
        return False


def _entries(message: Message, kind: str = "model") -> Iterator[tuple[str, str, str]]:
    """Yield (kind, key, value) of each message inside a message; only metadata and external data have key and value."""
    for number, content in message.fields():
        inner = _INSIDE[kind].get(number)
        if inner is None or isinstance(content, int):
            continue
        if inner in _INSIDE:
            yield inner, "", ""
            yield from _entries(message.inner(content), inner)
        else:
            pair = {n: bytes(v) for n, v in message.inner(content).fields() if not isinstance(v, int)}
            key, value = (pair.get(n, b"").decode() for n in (_KEY, _VALUE))
            yield inner, key, value
