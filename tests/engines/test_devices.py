"""Devices by name: their settings reach ONNX Runtime, and none of them falls back to the CPU in silence."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceparse import Parser
from faceparse.engines import EngineKind, FakeEngine, open_engine
from faceparse.engines.device import Device, parse_device
from faceparse.engines.onnx import PROVIDERS, OnnxEngine
from faceparse.errors import EngineError
from faceparse.weights import Card


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("cpu", Device("cpu")),
        ("cuda:1", Device("cuda", 1)),
        ("openvino:device_type=GPU", Device("openvino", None, {"device_type": "GPU"})),
        ("tensorrt:0,a=1, b = x=y", Device("tensorrt", 0, {"a": "1", "b": "x=y"})),
    ],
)
def test_words_of_a_device(text: str, device: Device) -> None:
    assert parse_device(text) == device


@pytest.mark.parametrize("text", ["cuda:", "cuda:x", "cuda:1,2", "cuda:a=", "cuda:=1", "cuda:²"])
def test_words_that_name_nothing(text: str) -> None:
    with pytest.raises(EngineError, match=r"a number or KEY=VALUE .*as in cuda:1"):
        parse_device(text)


class Runtime:
    """Stands in for ONNX Runtime's sessions: notes how they are made, and has the providers that it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, there: list[str]) -> None:
        self.made: dict[str, Any] = {}
        self.placed: dict[str, list[str]] = {}
        self.started = True
        monkeypatch.setattr("onnxruntime.get_available_providers", lambda: there)
        monkeypatch.setattr("onnxruntime.InferenceSession", self._session)
        monkeypatch.setattr("onnxruntime.preload_dlls", lambda: None, raising=False)

    def _session(self, path: Path, options: Any, providers: list[Any], enable_fallback: int) -> Any:
        assert enable_fallback == 0
        self.made = {"options": options, "providers": providers}
        names = [name for name, _ in providers]
        placed = self.placed or {names[0]: ["Conv", "Relu"]}
        parts = [
            SimpleNamespace(
                ep_name=name, get_nodes=lambda kinds=kinds: [SimpleNamespace(op_type=k) for k in kinds]
            )
            for name, kinds in placed.items()
        ]
        return SimpleNamespace(
            get_providers=lambda: (
                [*names, "CPUExecutionProvider"] if self.started else ["CPUExecutionProvider"]
            ),
            get_provider_options=lambda: {name: {"device_id": "0"} | set_ for name, set_ in providers},
            get_provider_graph_assignment_info=lambda: parts,
            get_inputs=lambda: [
                SimpleNamespace(name="image", type="tensor(float)", shape=["batch", 3, "height", "width"])
            ],
            get_outputs=lambda: [SimpleNamespace(name="logits")],
        )


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Runtime]:
    return lambda *there: Runtime(monkeypatch, [*there, "CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("text", "providers"),
    [
        ("cuda", [("CUDAExecutionProvider", {})]),
        (
            "cuda:1,gpu_mem_limit=9",
            [("CUDAExecutionProvider", {"device_id": "1", "gpu_mem_limit": "9"})],
        ),
        (
            "tensorrt:2,trt_fp16_enable=1",
            [
                ("TensorrtExecutionProvider", {"device_id": "2", "trt_fp16_enable": "1"}),
                ("CUDAExecutionProvider", {"device_id": "2"}),
            ],
        ),
        ("coreml:ModelFormat=MLProgram", [("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"})]),
        (
            "openvino:device_type=NPU",
            [("OpenVINOExecutionProvider", {"device_type": "NPU", "num_of_threads": "3"})],
        ),
        ("directml:1", [("DmlExecutionProvider", {"device_id": "1"})]),
    ],
)
def test_settings_reach_the_provider(
    runtime: Callable[..., Runtime],
    tiny_path: Path,
    text: str,
    providers: list[tuple[str, Mapping[str, str]]],
) -> None:
    fake = runtime(*(p.name for p in PROVIDERS.values()))
    OnnxEngine(tiny_path, device=text, threads=3)
    assert fake.made["providers"] == providers
    assert fake.made["options"].intra_op_num_threads == 3
    assert fake.made["options"].enable_mem_pattern is not text.startswith("directml")


def test_session_settings(runtime: Callable[..., Runtime], tiny_path: Path) -> None:
    fake = runtime()
    OnnxEngine(tiny_path, device="cpu:session.set_denormal_as_zero=1")
    options = fake.made["options"]
    assert options.get_session_config_entry("session.set_denormal_as_zero") == "1"
    with pytest.raises(EngineError, match=r"cpu has no setting 'fast'.*session\."):
        OnnxEngine(tiny_path, device="cpu:fast=1")


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("cuda", r"pip uninstall onnxruntime, then pip install 'onnxruntime-gpu\[cuda,cudnn\]'"),
        ("tensorrt", "tensorrt-cu12"),
        ("coreml", "on macOS alone"),
        ("openvino", "pip install onnxruntime-openvino"),
        ("directml", "on Windows, .*pip install onnxruntime-directml"),
    ],
)
def test_a_missing_provider_names_its_package(
    runtime: Callable[..., Runtime], tiny_path: Path, name: str, how: str
) -> None:
    runtime()
    with pytest.raises(EngineError, match=f"device '{name}' needs {PROVIDERS[name].name}.*{how}"):
        OnnxEngine(tiny_path, device=name)


def test_a_provider_that_did_not_start(runtime: Callable[..., Runtime], tiny_path: Path) -> None:
    fake = runtime("OpenVINOExecutionProvider")
    fake.started = False
    with pytest.raises(EngineError, match="OpenVINOExecutionProvider did not start: its driver, libraries"):
        OnnxEngine(tiny_path, device="openvino")


def test_a_provider_that_takes_nothing(runtime: Callable[..., Runtime], tiny_path: Path) -> None:
    fake = runtime("CoreMLExecutionProvider")
    fake.placed = {"CoreMLExecutionProvider": ["Relu"], "CPUExecutionProvider": ["Conv", "Conv", "Shape"]}
    with pytest.raises(EngineError, match=r"not usable here.* supports none of the 2 convolutions"):
        OnnxEngine(tiny_path, device="coreml")


def test_a_provider_that_takes_a_part(
    runtime: Callable[..., Runtime], tiny_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = runtime("CoreMLExecutionProvider")
    fake.placed = {"CoreMLExecutionProvider": ["Conv", "Conv"], "CPUExecutionProvider": ["Conv", "Shape"]}
    with caplog.at_level(logging.WARNING, "faceparse"):
        engine = OnnxEngine(tiny_path, device="coreml")
    assert engine.description == "onnx coreml+cpu fp32"
    assert caplog.messages == ["device coreml runs 1 of 3 convolutions on the CPU"]


@pytest.mark.parametrize(
    ("text", "described"),
    [("cpu", "onnx cpu fp32"), ("cuda", "onnx cuda:0 fp32"), ("tensorrt:2", "onnx tensorrt:2 fp32")],
)
def test_the_description_names_the_device_that_computes(
    runtime: Callable[..., Runtime], tiny_path: Path, text: str, described: str
) -> None:
    runtime(*(p.name for p in PROVIDERS.values()))
    assert OnnxEngine(tiny_path, device=text).description == described


def test_shapes_on_the_cpu_are_no_fault(
    runtime: Callable[..., Runtime], tiny_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = runtime("CUDAExecutionProvider")
    fake.placed = {"CUDAExecutionProvider": ["Conv"], "CPUExecutionProvider": ["Shape", "Concat"]}
    with caplog.at_level(logging.WARNING, "faceparse"):
        OnnxEngine(tiny_path, device="cuda")
    assert not caplog.messages


def test_placement_is_known_for_real(tiny_path: Path) -> None:
    """What the check reads is there in this ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = onnxruntime.InferenceSession(tiny_path, options, providers=["CPUExecutionProvider"])
    if not hasattr(session, "get_provider_graph_assignment_info"):
        pytest.skip("onnxruntime before 1.24")
    parts = session.get_provider_graph_assignment_info()
    kinds = {(part.ep_name, node.op_type) for part in parts for node in part.get_nodes()}
    assert ("CPUExecutionProvider", "Conv") in kinds


@pytest.mark.parametrize(("works", "ran"), [({"cuda", "mps"}, "cuda"), ({"mps"}, "mps"), (set(), "cpu")])
def test_auto_takes_the_first_device_that_works(
    works: set[str], ran: str, tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(path: Path, card: Card, *, device: str, threads: int | None) -> FakeEngine:
        if device not in {*works, "cpu"}:
            raise EngineError(f"{device} is absent")
        fake = FakeEngine(card)
        fake.description = f"other {device} fp32"
        return fake

    kind = EngineKind("other", ".onnx", start, ("cuda", "mps", "cpu"))
    monkeypatch.setattr("faceparse.engines.engine_for", lambda path, name: kind)
    assert open_engine(tiny_path).description == f"other {ran} fp32"
    parser = Parser(tiny_path, faces="whole")
    assert parser.batch == (1 if ran == "cpu" else 8)
    parsing = parser.parse(np.zeros((32, 32, 3), np.uint8))
    assert (parsing.engine, parsing.model) == (f"other {ran} fp32", parser.card.id)
    if "cuda" not in works:
        with pytest.raises(EngineError, match="cuda is absent"):
            open_engine(tiny_path, device="cuda")


# PyTorch


@pytest.fixture
def torch_path(tiny_path: Path, tiny_network: str, tmp_path: Path) -> Path:
    pytest.importorskip("safetensors")
    from dataclasses import replace

    from faceparse import models
    from faceparse.weights import write_safetensors
    from faceparse.weights.modelfile import find_model

    network = models.build(tiny_network)
    card = replace(find_model(tiny_path).card, network=tiny_network, output=network.grid)
    path = tmp_path / "tiny.safetensors"
    write_safetensors(path, network.state_dict(), card)
    return path


@pytest.mark.torch
def test_torch_runs_in_other_numbers(torch_path: Path) -> None:
    from faceparse.engines.torch import TorchEngine

    image = np.random.default_rng(0).random((2, 3, 16, 16), np.float32)
    plain = TorchEngine(torch_path).run({"image": image})["logits"]
    for text in ("cpu:dtype=fp32", "cpu:dtype=bf16"):
        logits = TorchEngine(torch_path, device=text).run({"image": image})["logits"]
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, plain, atol=0.05)
    for text in ("cpu:dtype=int8", "cpu:bf16=1"):
        with pytest.raises(EngineError, match="one setting, dtype=fp32, bf16, fp16"):
            TorchEngine(torch_path, device=text)


@pytest.mark.torch
def test_torch_uses_the_threads_asked_for_and_puts_them_back(torch_path: Path) -> None:
    import torch

    from faceparse.engines.torch import TorchEngine

    before = torch.get_num_threads()
    wanted = before + 1
    engine = TorchEngine(torch_path, threads=wanted)
    seen = []
    grid_logits = engine._network.grid_logits

    def noting(image: Any) -> Any:
        seen.append(torch.get_num_threads())
        return grid_logits(image)

    engine._network.grid_logits = noting  # type: ignore[method-assign]
    engine.run({"image": np.zeros((1, 3, 8, 8), np.float32)})
    assert seen == [wanted]
    assert torch.get_num_threads() == before
