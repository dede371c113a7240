"""The card inside an ONNX file, read without onnx and without touching the graph.

>>> from faceparse.weights.onnxfile import onnx_card
>>> onnx_card("model.onnx").id  # doctest: +SKIP
'default'

An ONNX file is one protobuf message; its metadata are walked to in the mapped file, so that the core needs no
onnx and the size of the model costs nothing.
"""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.weights.card import Card, card_from_json
from faceparse.weights.checkpoint import CARD_KEY
from faceparse.weights.contents import read_head
from faceparse.weights.protobuf import Message, ProtobufError

_GRAPH, _METADATA = 7, 14  # fields of ONNX's ModelProto
_KEY, _VALUE = 1, 2  # of its StringStringEntryProto


def onnx_card(path: str | Path) -> Card | None:
    """The card inside an ONNX file, None where it carries none.

    Raises:
        WeightsError: no such file, not ONNX, cut short, or a card that is damaged.
    """
    path = Path(path)
    head = read_head(path, "model")
    try:
        with path.open("rb") as file:
            text = _card_text(Message(memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))))
    except ValueError:  # a damaged message, a text that is none
        if head[0] != 8:  # every ONNX writer begins with field 1, the format's version
            raise WeightsError(f"{path} is not an ONNX model, whatever its name says") from None
        raise WeightsError(f"{path} is cut short or damaged: get or export it again") from None
    return None if text is None else card_from_json(text, path)


def _card_text(model: Message) -> str | None:
    text, graph = None, False
    for number, value in model.fields():
        graph |= number == _GRAPH
        if number == _METADATA and isinstance(value, memoryview):
            entry = {n: bytes(v) for n, v in model.inner(value).fields() if isinstance(v, memoryview)}
            if entry.get(_KEY) == CARD_KEY.encode():
                text = entry.get(_VALUE, b"").decode()
    if not graph:
        raise ProtobufError("it holds no graph")
    return text
