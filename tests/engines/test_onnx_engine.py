"""ONNX Runtime: our files, foreign graphs, devices that are not there, files that are no models."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.engines.onnx import OnnxEngine
from faceparse.errors import EngineError, WeightsError
from faceparse.weights import Card
from faceparse.weights.modelfile import find_model
from tests.conftest import ROOT


@pytest.fixture
def card(tiny_path: Path) -> Card:
    return find_model(tiny_path).card


def painted(card: Card, labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """A picture in the scheme's palette, 4 × 4 pixels a label."""
    return card.input.normalise(card.label_scheme.palette[labels].repeat(4, 0).repeat(4, 1))


def foreign(**changes: Any) -> Any:
    """The tiny model under other names, with the changes of a published export."""
    onnx = pytest.importorskip("onnx")
    from tests.engines.make_tiny import tiny

    model = tiny()
    model.ClearField("metadata_props")
    for name, size in zip(("batch", "channel", "height", "width"), changes.get("shape", ()), strict=False):
        dimension = model.graph.input[0].type.tensor_type.shape.dim[
            ("batch", "channel", "height", "width").index(name)
        ]
        dimension.dim_value = size
    if "name" in changes:
        model.graph.input[0].name = model.graph.node[0].input[0] = changes["name"]
    for extra in changes.get("outputs", ()):
        model.graph.node.append(onnx.helper.make_node("Neg", ["logits"], [extra]))
        model.graph.output.append(onnx.helper.make_tensor_value_info(extra, 1, None))
    return model


def save(model: Any, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def test_labels_of_a_painted_picture(tiny_path: Path, card: Card) -> None:
    labels = np.arange(19 * 2).reshape(2, 19) % 19
    logits = OnnxEngine(tiny_path).run({"image": painted(card, labels)})["logits"]
    np.testing.assert_array_equal(logits[0].argmax(0), labels)


def test_card_comes_from_the_file_unless_given(tiny_path: Path, card: Card) -> None:
    assert OnnxEngine(tiny_path).card == card
    other = replace(card, title="another")
    assert OnnxEngine(tiny_path, other).card is other


def test_threads(tiny_path: Path, card: Card) -> None:
    image = painted(card, np.full((4, 4), 3))
    one, two = (OnnxEngine(tiny_path, threads=n).run({"image": image})["logits"] for n in (1, 2))
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_foreign_graph_with_three_heads_fixed_to_one_picture(tmp_path: Path, card: Card) -> None:
    model = foreign(shape=(1, 3, 64, 64), name="input", outputs=("aux16", "aux32"))
    engine = OnnxEngine(save(model, tmp_path / "published.onnx"), card)
    labels = np.arange(256).reshape(16, 16) % 19
    batch = np.concatenate([painted(card, labels), painted(card, labels[::-1])])
    logits = engine.run({"image": batch})["logits"]
    np.testing.assert_array_equal(logits.argmax(1), np.stack([labels, labels[::-1]]))
    with pytest.raises(EngineError, match=r"failed on input \(2, 3, 32, 64\): .*Got: 32 Expected: 64"):
        engine.run({"image": batch[:, :, :32]})


def test_batches_of_a_fixed_number(tmp_path: Path, card: Card) -> None:
    engine = OnnxEngine(save(foreign(shape=(2, 3)), tmp_path / "pairs.onnx"), card)
    with pytest.raises(EngineError, match=r"failed on input \(3, 3, 8, 8\): .*Got: 1 Expected: 2"):
        engine.run({"image": np.zeros((3, 3, 8, 8), np.float32)})


def test_graph_of_another_kind(tmp_path: Path, card: Card) -> None:
    onnx = pytest.importorskip("onnx")
    model = foreign()
    model.graph.input.append(onnx.helper.make_tensor_value_info("landmarks", 1, ["n", 5, 2]))
    with pytest.raises(WeightsError, match=r"one float input.*image tensor\(float\).*landmarks"):
        OnnxEngine(save(model, tmp_path / "two.onnx"), card)


def test_card_of_another_network(tiny_path: Path, card: Card) -> None:
    engine = OnnxEngine(tiny_path, replace(card, scheme="lapa11"))
    with pytest.raises(EngineError, match=r"\(1, 11, h, w\).*\(1, 19, 2, 2\): give the card"):
        engine.run({"image": np.zeros((1, 3, 8, 8), np.float32)})


def test_a_size_that_the_graph_does_not_take(tmp_path: Path, card: Card) -> None:
    onnx = pytest.importorskip("onnx")
    model = foreign()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 19, 16, 16]), "shape"))
    model.graph.node[1].output[0] = "found"
    model.graph.node.append(onnx.helper.make_node("Reshape", ["found", "shape"], ["logits"]))
    engine = OnnxEngine(save(model, tmp_path / "reshaping.onnx"), card)
    assert engine.run({"image": np.zeros((1, 3, 64, 64), np.float32)})["logits"].shape == (1, 19, 16, 16)
    with pytest.raises(EngineError, match=r"failed on input \(1, 3, 32, 32\): .*Reshape"):
        engine.run({"image": np.zeros((1, 3, 32, 32), np.float32)})


@pytest.mark.parametrize("device", ["gpu", "cpu:1", "coreml:0", ""])
def test_unknown_device(tiny_path: Path, device: str) -> None:
    with pytest.raises(EngineError, match=r"unknown device .*there are cpu, cuda"):
        OnnxEngine(tiny_path, device=device)


@pytest.fixture
def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])


@pytest.mark.usefixtures("only_cpu")
def test_gpu_package_missing(tiny_path: Path) -> None:
    with pytest.raises(EngineError, match=r"has only CPUExecutionProvider.*pip install 'onnxruntime-gpu"):
        OnnxEngine(tiny_path, device="cuda")


class _FallenBack:
    """What ONNX Runtime gives where the GPU package is installed and no GPU is there."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def test_gpu_missing_is_no_silent_fall_back(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("onnxruntime.InferenceSession", _FallenBack)
    with pytest.raises(EngineError, match=r"CUDAExecutionProvider did not start.*use --device cpu"):
        OnnxEngine(tiny_path, device="cuda:1")


def test_damaged_model(tiny_path: Path, tmp_path: Path, card: Card) -> None:
    # The walk to the card skips the graph; ONNX Runtime then finds what is wrong in it.
    path = tmp_path / "damaged.onnx"
    path.write_bytes(tiny_path.read_bytes().replace(b"AveragePool", b"AveragePoll"))
    with pytest.raises(WeightsError, match="cannot load"):
        OnnxEngine(path)
    with pytest.raises(WeightsError, match="no model file"):
        OnnxEngine(tmp_path / "missing.onnx", card)


def test_the_committed_model_is_what_its_script_makes(tiny_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.engines.make_tiny import tiny

    assert tiny_path.read_bytes() == tiny().SerializeToString(deterministic=True)


def test_nothing_is_noted_about_the_user(tmp_path: Path) -> None:
    code = "import sys, faceparse; faceparse.Parser().parse(sys.argv[1])"
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    env |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code, str(ROOT / "examples" / "collins.jpg")], env=env, check=True)
    assert not list(tmp_path.rglob("*onnxruntime*"))
