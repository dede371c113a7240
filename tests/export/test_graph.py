"""Operator sets, and what is tidied in every graph."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.engines.onnx import OnnxEngine  # noqa: E402
from faceparse.errors import ConfigError  # noqa: E402
from faceparse.export import NetworkEngine, compare  # noqa: E402
from faceparse.export.graph import OLDEST_OPSET, graph_of, opset_of  # noqa: E402
from faceparse.weights import card  # noqa: E402

pytestmark = pytest.mark.torch

NEWEST = onnx.defs.onnx_opset_version()
SIZE = (512, 512)


@pytest.fixture(scope="module")
def bisenet(tmp_path_factory: pytest.TempPathFactory) -> tuple[models.Network, Path]:
    """A random BiSeNet and its plain graph: it has pooling and both kinds of resizing."""
    torch.manual_seed(0)
    network = models.build("bisenet-resnet18").eval()
    path = tmp_path_factory.mktemp("graph") / "bisenet.onnx"
    onnx.save(graph_of(network, SIZE), path)
    return network, path


@pytest.mark.parametrize(
    "opset",
    [
        OLDEST_OPSET,
        *(pytest.param(opset, marks=pytest.mark.slow) for opset in range(OLDEST_OPSET + 1, NEWEST)),
        NEWEST,
    ],
)
def test_every_opset_runs(bisenet: tuple[models.Network, Path], opset: int, tmp_path: Path) -> None:
    network, plain = bisenet
    model = graph_of(plain, SIZE, opset)
    assert opset_of(model) == opset
    onnx.checker.check_model(model, full_check=True)
    path = tmp_path / "a.onnx"
    onnx.save(model, path)
    image = np.random.default_rng(0).standard_normal((2, 3, 64, 96), np.float32)
    its_card = card("bisenet-resnet18-yakhyo")
    engine = OnnxEngine(path, its_card, threads=1)
    assert compare(NetworkEngine(network, its_card), engine, [image]).holds


@pytest.mark.parametrize("opset", [0, OLDEST_OPSET - 1, NEWEST + 1])
def test_opsets_out_of_range(bisenet: tuple[models.Network, Path], opset: int) -> None:
    with pytest.raises(ConfigError, match=rf"opset is {OLDEST_OPSET} to {NEWEST} .*got {opset}"):
        graph_of(bisenet[1], SIZE, opset)


def test_global_pooling_has_its_own_name(bisenet: tuple[models.Network, Path]) -> None:
    model = onnx.load(bisenet[1])
    kinds = [n.op_type for n in model.graph.node]
    assert kinds.count("GlobalAveragePool") == 4
    assert "ReduceMean" not in kinds
    read = {name for node in model.graph.node for name in node.input}
    assert {i.name for i in model.graph.initializer} <= read
