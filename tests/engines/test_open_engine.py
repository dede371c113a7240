"""Which engine runs which file, and what a user reads when it does not."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.engines import Engine, EngineKind, FakeEngine, open_engine, register
from faceparse.engines.onnx import OnnxEngine
from faceparse.engines.registry import ENGINES
from faceparse.errors import EngineError, MissingExtraError, WeightsError
from faceparse.weights import Card
from faceparse.weights.modelfile import find_model


@pytest.mark.parametrize("engine", ["auto", None, "onnx"])
def test_onnx_files_run_in_onnx_runtime(tiny_path: Path, engine: str | None) -> None:
    opened = open_engine(tiny_path, engine=engine, threads=1)
    assert isinstance(opened, OnnxEngine)
    assert opened.card.id == "tiny"


def test_a_given_card_replaces_the_files_own(tiny_path: Path) -> None:
    assert open_engine(tiny_path, card="bisenet-resnet18-zllrunning").card.id == "bisenet-resnet18-zllrunning"


def test_unknown_engine(tiny_path: Path) -> None:
    with pytest.raises(EngineError, match="no engine 'tvm'; there are onnx, torch"):
        open_engine(tiny_path, engine="tvm")


def test_a_file_for_another_engine(tiny_path: Path, bare_safetensors: Path) -> None:
    with pytest.raises(
        EngineError, match=r"engine 'torch' does not run .*tiny\.onnx; the engines are onnx \(\.onnx\)"
    ):
        open_engine(tiny_path, engine="torch")
    with pytest.raises(EngineError, match=r"does not run .*bare\.safetensors; .* torch \(\.safetensors\)"):
        open_engine(bare_safetensors, engine="onnx")


def test_no_torch(bare_safetensors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'faceparse\[torch\]'"):
        open_engine(bare_safetensors)


def test_no_threads(tiny_path: Path) -> None:
    with pytest.raises(EngineError, match="threads: expected a whole number, 1 to 1,024 or null; got 0"):
        open_engine(tiny_path, threads=0)


def test_unknown_model() -> None:
    with pytest.raises(WeightsError, match="no model 'nothing'"):
        open_engine("nothing")


@pytest.fixture
def bare_safetensors(tmp_path: Path, tiny_path: Path) -> Path:
    """A safetensors file with a card and no tensor, written by hand: the core has no safetensors."""
    import json

    header = json.dumps({"__metadata__": {"faceparse.card": find_model(tiny_path).card.to_json()}}).encode()
    path = tmp_path / "bare.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


class _Upside:
    """An engine from outside."""

    description = "upside"

    def __init__(self, path: Path, card: Card, *, device: str, threads: int | None) -> None:
        self.card = card
        self.told = (path.name, device, threads)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        return FakeEngine(self.card).run(inputs)


def test_an_engine_from_outside(tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINES, "_things", ENGINES.all())
    register(EngineKind("upside", ".onnx", _Upside))
    opened: Engine = open_engine(tiny_path, engine="upside", device="table", threads=3)
    assert isinstance(opened, _Upside)
    assert opened.told == ("tiny.onnx", "table", 3)
    with pytest.raises(EngineError, match="engine 'upside' is registered twice"):
        register(EngineKind("upside", ".onnx", _Upside))
