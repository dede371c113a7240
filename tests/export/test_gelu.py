"""GELU is exported so that ONNX Runtime makes one operator of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import onnxruntime  # noqa: E402

from faceparse.export.gelu import regroup_gelu  # noqa: E402

pytestmark = pytest.mark.torch


def operators(model: Any, folder: Path) -> list[str]:
    """What ONNX Runtime makes of a graph."""
    path = folder / "optimised.onnx"
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(path).graph.node]


def test_one_operator_and_the_same_values(tmp_path: Path) -> None:
    layers = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.GELU(), torch.nn.Linear(8, 4), torch.nn.GELU()
    )
    x = torch.linspace(-4, 4, 12).view(3, 4)
    program = torch.onnx.export(layers.eval(), (x,), dynamo=True, opset_version=18, verbose=False)
    assert program is not None
    model = program.model_proto
    assert "Gelu" not in operators(model, tmp_path)
    assert regroup_gelu(model) == 2
    assert regroup_gelu(model) == 0
    onnx.checker.check_model(model, full_check=True)
    assert operators(model, tmp_path).count("Gelu") == 2
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {model.graph.input[0].name: x.numpy()})
    np.testing.assert_allclose(np.asarray(found), layers(x).detach().numpy(), atol=1e-6)


def test_other_products_stay() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]> g (float[2] x) => (float[2] y) <float half = {0.5}, float one = {1.0}>'
        " { a = Add(x, one)  b = Mul(half, a)  y = Mul(x, b) }"
    )
    assert regroup_gelu(model) == 0
