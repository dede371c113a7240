"""The card inside an ONNX file, and the files beside it that hold its numbers, read without onnx.

>>> from faceparse.weights.onnxfile import onnx_card
>>> onnx_card("model.onnx").id  # doctest: +SKIP
'default'

An ONNX file is one protobuf message, which is walked in the mapped file, so that the core needs no onnx and the size
of the weights costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.weights.card import Card, card_from_json
from faceparse.weights.checkpoint import CARD_KEY
from faceparse.weights.contents import read_head
from faceparse.weights.protobuf import Message, ProtobufError

_KEY, _VALUE = 1, 2  # fields of ONNX's StringStringEntryProto
_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 14: "metadata", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external data"},
}
"""Messages with a tensor somewhere in them: the fields that lead there, as onnx.proto declares them."""


def onnx_card(path: str | Path) -> Card | None:
    """The card inside an ONNX file, None where it carries none.

    Raises:
        WeightsError: no such file, not ONNX, cut short, a card that is damaged, or one whose numbers lie in a file that
            is missing or outside its own folder.
    """
    path = Path(path)
    head = read_head(path, "model")
    card, locations, graph = None, set(), False
    try:
        with path.open("rb") as file:
            for kind, key, value in _entries(Message(memoryview(mmap(file.fileno(), 0, access=ACCESS_READ)))):
                graph |= kind == "graph"
                if kind == "metadata" and key == CARD_KEY:
                    card = value
                elif kind == "external data" and key == "location":
                    locations.add(value)
        if not graph:
            raise ProtobufError("it holds no graph")
    except ValueError:  # a damaged message, a text that is none
        if head[0] != 8:  # every ONNX writer begins with field 1, the format's version
            raise WeightsError(f"{path} is not an ONNX model, whatever its name says") from None
        raise WeightsError(f"{path} is cut short or damaged: get or export it again") from None
    for name in locations:
        if not _is_beside(path, name):
            raise WeightsError(f"{path} has numbers in {name[:200]!r}, which is no file in its folder")
    return None if card is None else card_from_json(card, path)


def _is_beside(path: Path, name: str) -> bool:
    folders = {path.parent.resolve(), path.resolve().parent}  # the Hub's cache keeps both files elsewhere
    try:
        file = (path.parent / name).resolve()
        return file.is_file() and not folders.isdisjoint(file.parents)
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or a circle of links
        return False


def _entries(model: Message) -> Iterator[tuple[str, str, str]]:
    """The kind, key and value of what the model says in keys and values; without both for a graph."""
    waiting = [("model", model)]
    while waiting:
        outer, message = waiting.pop()
        for number, value in message.fields():
            kind = _INSIDE[outer].get(number)
            if kind is None or not isinstance(value, memoryview):
                continue
            if kind in _INSIDE:
                waiting.append((kind, message.inner(value)))
            if kind == "graph":
                yield kind, "", ""
            elif kind not in _INSIDE:
                entry = {n: bytes(v) for n, v in message.inner(value).fields() if isinstance(v, memoryview)}
                yield kind, entry.get(_KEY, b"").decode(), entry.get(_VALUE, b"").decode()
