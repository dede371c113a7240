"""Read the card inside an ONNX file, and check its external data files, without the package onnx.

>>> from faceparse.weights.onnxfile import onnx_card
>>> onnx_card("model.onnx").id  # doctest: +SKIP
'default'

An ONNX file is one protobuf message. This module walks the message in the memory-mapped file, so the core
needs no onnx, and large weights take no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.weights.card import Card, card_from_json
from faceparse.weights.checkpoint import CARD_KEY
from faceparse.weights.contents import read_head
from faceparse.weights.protobuf import Message, ProtobufError

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
    path = Path(path)
    head = read_head(path, "model")
    try:
        with path.open("rb") as file:
            entries = _entries(Message(memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))))
    except ValueError:  # a damaged message or text
        if head[0] != 8:  # every ONNX writer begins with field 1, the format's version
            raise WeightsError(f"{path} is not an ONNX model, whatever its name says") from None
        raise WeightsError(f"{path} is cut short or damaged: get or export it again") from None
    for key, name in entries["external data"]:
        if key == "location" and not _is_beside(path, name):
            raise WeightsError(f"{path} has numbers in {name[:200]!r}, which is no file in its folder")
    card = dict(entries["metadata"]).get(CARD_KEY)
    return None if card is None else card_from_json(card, path)


def _is_beside(path: Path, name: str) -> bool:
    folders = {
        path.parent.resolve(),
        path.resolve().parent,
    }  # the Hub's cache links to both files in another folder
    try:
        file = (path.parent / name).resolve()
        return file.is_file() and not folders.isdisjoint(file.parents)
    except (OSError, ValueError, RuntimeError):  # an impossible file name, or a loop of links
        return False


def _entries(model: Message) -> Mapping[str, list[tuple[str, str]]]:
    """Return the key-value pairs of a model by kind (metadata, external data)."""
    entries: dict[str, list[tuple[str, str]]] = {"metadata": [], "external data": []}
    waiting, kinds = [("model", model)], set()
    while waiting:
        outer, message = waiting.pop()
        kinds.add(outer)
        for number, value in message.fields():
            kind = _INSIDE[outer].get(number, "")
            if kind in _INSIDE and isinstance(value, memoryview):
                waiting.append((kind, message.inner(value)))
            elif kind and isinstance(value, memoryview):
                pair = {
                    n: bytes(v).decode() for n, v in message.inner(value).fields() if not isinstance(v, int)
                }
                entries[kind].append((pair.get(_KEY, ""), pair.get(_VALUE, "")))
    if "graph" not in kinds:
        raise ProtobufError("it holds no graph")
    return entries
