"""Model cards: in files, inside models, and the records beside downloaded files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from faceparse.weights import Card, read_card
from faceparse.weights.card import card_from_json, cards
from faceparse.weights.checkpoint import CARD_KEY, safetensors_card
from faceparse.weights.onnxfile import onnx_card
from faceparse.weights.records import Record, read_records, write_record
from tests.conftest import ROOT
from tests.fuzz import target
from tests.weights.caffe_writer import message

_FOLDER = ROOT / "src" / "faceparse" / "weights" / "cards"


def in_safetensors(text: bytes) -> bytes:
    """A safetensors file without tensors that has a card."""
    header = b'{"__metadata__":{%s:%s}}' % (json.dumps(CARD_KEY).encode(), text)
    return len(header).to_bytes(8, "little") + header


def in_onnx(text: bytes) -> bytes:
    """An ONNX file of an empty graph that has a card."""
    return b"\x08\x08" + message(7, b"") + message(14, message(1, CARD_KEY.encode()), message(2, text))


class Target(target.Target):
    """What is read is the same again when it is written out."""

    text = True
    calls_a_byte = 20
    words = (b'scheme = "/etc/passwd.yaml"', b"size = [65536, 65536]")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        names = ("default", "segface-lapa-swin_base-448", "vgg19-dinov3-vitl16")
        write_record(folder, "model.onnx", Record("0" * 64, 5, "https://example.org/model.onnx"))
        text = cards()["fcn8s"].to_json()
        self.inputs = {
            **{f"{name}.toml": (_FOLDER / f"{name}.toml").read_bytes() for name in names},
            "card.json": text.encode(),
            "records.json": (folder / "records.json").read_bytes(),
            "text in.onnx": text.encode(),
            "text in.safetensors": json.dumps(text).encode(),
            "whole.onnx": in_onnx(text.encode()),
            "whole.safetensors": in_safetensors(json.dumps(text).encode()),
        }

    def mutant(self, chance: random.Random, name: str) -> bytes:
        data = super().mutant(chance, name)
        wrap = {"text in.onnx": in_onnx, "text in.safetensors": in_safetensors}.get(name)
        return wrap(data) if wrap else data

    def read(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.write_bytes(data)
        if name == "records.json":
            self.size = sum(record.size > 0 for record in read_records(self.folder).values())
            return
        readers: Mapping[str, Callable[[Path], Card | None]] = {
            ".toml": read_card,
            ".json": lambda path: card_from_json(path.read_text("utf-8", "replace"), path),
            ".onnx": onnx_card,
            ".safetensors": safetensors_card,
        }
        card = readers[path.suffix](path)
        if card is not None:
            text = card.to_json()
            self.size = len(text)
            assert card_from_json(text, path) == card
            assert card.label_scheme.classes
            assert card.headline is None or card.headline.value <= 100
