"""The phone form: equal where corners were aligned, and a check that names what phones reject."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from faceparse import models  # noqa: E402
from faceparse.errors import WeightsError  # noqa: E402
from faceparse.export import export_onnx, phone_faults  # noqa: E402
from faceparse.export.graph import graph_of  # noqa: E402
from faceparse.export.phone import OPERATORS, align_corners, for_phone  # noqa: E402
from faceparse.weights import Grid, Preprocessing, card  # noqa: E402

pytestmark = pytest.mark.torch


@given(cells=st.integers(1, 40).map(lambda n: 2 * n), times=st.integers(1, 9))
def test_pad_resize_crop_is_aligned_corners(cells: int, times: int) -> None:
    pixels = 2 * times * cells
    found = align_corners(cells, pixels)
    assert found is not None
    line = torch.from_numpy(np.random.default_rng(cells).standard_normal((1, 1, cells)))
    wanted = torch.nn.functional.interpolate(line, size=pixels, mode="linear", align_corners=True)
    padded = torch.nn.functional.pad(line, (found.pad, found.pad), value=1e6)  # never weighted in
    resized = torch.nn.functional.interpolate(padded, size=found.resized, mode="linear", align_corners=False)
    torch.testing.assert_close(resized[..., found.start : found.start + pixels], wanted, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("cells", "pixels"), [(1, 8), (25, 200), (24, 199), (0, 0)])
def test_odd_lengths_have_no_such_arrangement(cells: int, pixels: int) -> None:
    assert align_corners(cells, pixels) is None


@pytest.fixture(scope="module")
def bisenet() -> models.Network:
    torch.manual_seed(0)
    return models.build("bisenet-resnet18").eval()


def test_bisenet_for_phones_is_equal(bisenet: models.Network, tmp_path: Path) -> None:
    its_card = replace(card("bisenet-resnet18-yakhyo"), input=Preprocessing((96, 128)))
    done = export_onnx(bisenet, its_card, tmp_path / "phone.onnx", form="phone")
    assert done.parity.equal >= 0.999
    assert done.parity.difference is not None
    assert done.parity.difference < 1e-4
    assert done.outputs == {"logits": (1, 19, 96, 128)}
    assert done.card.output == Grid(stride=1, align_corners=False)


@pytest.mark.slow
def test_a_size_that_cannot_be_aligned(bisenet: models.Network) -> None:
    odd = replace(card("bisenet-resnet18-yakhyo"), input=Preprocessing((96, 72)))
    with pytest.raises(WeightsError, match=r"gives 12 × 9 logits with aligned corners for 96 × 72 pixels"):
        for_phone(graph_of(bisenet, odd.input.size), odd)


def _model(node: Any, shape: tuple[int | str, ...] = (1, 3, 8, 8), **constants: Any) -> Any:
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 8, 8))],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def _resize(**settings: Any) -> Any:
    return helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], "up", **settings)


SIZES = np.array([1, 3, 8, 8])


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (_model(helper.make_node("Relu", ["x"], ["y"]), (1, 3, "height", 8)), "x of free size"),
        (_model(helper.make_node("Einsum", ["x"], ["y"], "e", equation="abcd->abcd")), "Einsum e"),
        (
            _model(_resize(mode="linear", coordinate_transformation_mode="align_corners"), sizes=SIZES),
            "align_corners resizing up",
        ),
        (
            _model(_resize(mode="linear", coordinate_transformation_mode="asymmetric"), sizes=SIZES),
            "asymmetric resizing up",
        ),
        (_model(_resize(mode="cubic"), sizes=SIZES), "cubic or antialiased resizing up"),
        (_model(_resize(mode="linear", antialias=1), sizes=SIZES), "cubic or antialiased resizing up"),
        (_model(_resize(mode="linear")), "resizing up to a computed size"),
        (
            _model(helper.make_node("AveragePool", ["x"], ["y"], "pool", kernel_shape=[8, 8])),
            "AveragePool pool",
        ),
        (
            _model(helper.make_node("Reshape", ["x", "shape"], ["y"], "turn")),
            "Reshape turn of computed sizes",
        ),
    ],
)
def test_what_phones_reject_is_named(model: Any, fault: str) -> None:
    assert phone_faults(model) == [fault]


def test_a_network_that_cannot_go_to_phones(tiny_network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = models.build(tiny_network).eval()
    its_card = replace(card("bisenet-resnet18-yakhyo"), input=Preprocessing((8, 8)), output=network.grid)
    monkeypatch.setattr("faceparse.export.phone.OPERATORS", OPERATORS - {"Conv"})
    with pytest.raises(WeightsError, match=r"phones would reject the phone form of .* for Conv"):
        for_phone(graph_of(network, its_card.input.size), its_card)


def test_logits_that_cannot_be_widened(tiny_network: str) -> None:
    network = models.build(tiny_network).eval()  # its convolution has stride 2
    aligned_card = replace(card("bisenet-resnet18-yakhyo"), input=Preprocessing((8, 8)), output=Grid(2, True))
    with pytest.raises(WeightsError, match=r"come from Conv .*, not from a convolution of stride 1"):
        for_phone(graph_of(network, aligned_card.input.size), aligned_card)


def test_operators_are_on_both_lists_of_onnx_runtime() -> None:
    import onnxruntime.tools.mobile_helpers as helpers

    folder = Path(next(iter(helpers.__path__)))
    for name in ("nnapi_supported_ops.md", "coreml_supported_mlprogram_ops.md"):
        lines = (folder / name).read_text().splitlines()
        listed = {
            line.split("|")[1].removeprefix("ai.onnx:") for line in lines if line.startswith("|ai.onnx:")
        }
        assert OPERATORS - {"QuantizeLinear", "DequantizeLinear"} <= listed, name
