"""The model in the box in every precision and form: agreement, size, card, and what runs it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from onnx import numpy_helper  # noqa: E402

from faceparse.engines import open_engine  # noqa: E402
from faceparse.errors import ConfigError, WeightsError  # noqa: E402
from faceparse.export import ExportResult, export_onnx, load_source, phone_faults  # noqa: E402
from faceparse.parser import Parser  # noqa: E402
from faceparse.weights import Variant  # noqa: E402
from faceparse.weights.modelfile import find_model  # noqa: E402
from faceparse.weights.onnxfile import onnx_card  # noqa: E402

pytestmark = pytest.mark.torch

PLAIN, CARD = find_model("default")
VARIANTS = [
    ("fp16", "network"),
    ("int8", "network"),
    ("fp32", "phone"),
    ("fp32", "picture"),
    *(
        pytest.param(*both, marks=pytest.mark.slow)
        for both in (("int8", "phone"), ("fp16", "phone"), ("int8", "picture"))
    ),
]


@pytest.fixture(scope="module")
def export(
    collins: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], ExportResult]:
    folder = tmp_path_factory.mktemp("variants")
    done: dict[tuple[str, str], ExportResult] = {}

    def make(precision: str, form: str) -> ExportResult:
        if (precision, form) not in done:
            done[precision, form] = export_onnx(
                PLAIN,
                CARD,
                folder / f"{precision}-{form}.onnx",
                precision=precision,
                form=form,
                calibration=[collins] if precision == "int8" else [],
            )
        return done[precision, form]

    return make


@pytest.mark.parametrize(("precision", "form"), VARIANTS)
def test_agreement_and_card(
    export: Callable[[str, str], ExportResult], collins: NDArray[np.uint8], precision: str, form: str
) -> None:
    done = export(precision, form)
    # int8 is calibrated on one picture here: 0.9797 was measured, and export itself asks for 0.95.
    assert done.parity.equal >= {"fp32": 0.999, "fp16": 0.995, "int8": 0.97}[precision]
    assert onnx_card(done.path) == done.card
    assert done.card.variant == Variant(precision, form)
    assert replace(done.card, variant=None, output=CARD.output) == CARD
    plain = PLAIN.stat().st_size
    assert done.size <= {"fp32": 1.01, "fp16": 0.52, "int8": 0.35}[precision] * plain
    if form != "picture":
        labels = [Parser(p, faces="whole", threads=1).parse(collins).labels for p in (PLAIN, done.path)]
        assert (labels[0] == labels[1]).mean() >= 0.98


def test_any_batch_and_size_in_fewer_bits(export: Callable[[str, str], ExportResult]) -> None:
    image = np.random.default_rng(0).standard_normal((3, 3, 96, 160), np.float32)
    for precision in ("fp16", "int8"):
        done = export(precision, "network")
        assert done.inputs == {"image": ("batch", 3, "height", "width")}
        assert open_engine(done.path).run({"image": image})["logits"].shape == (3, 19, 24, 40)


def test_weights_are_in_their_precision(export: Callable[[str, str], ExportResult]) -> None:
    for precision, kind in (
        ("fp16", onnx.TensorProto.FLOAT16),
        ("int8", onnx.TensorProto.INT8),
    ):
        graph = onnx.load(export(precision, "network").path).graph
        weights = [i.data_type for i in graph.initializer if len(i.dims) == 4]
        assert len(weights) > 50
        assert set(weights) == {kind}
        assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        assert graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("precision", ["fp32", pytest.param("int8", marks=pytest.mark.slow)])
def test_the_phone_form_has_one_size_and_nothing_that_phones_reject(
    export: Callable[[str, str], ExportResult], precision: str
) -> None:
    height, width = CARD.input.size
    done = export(precision, "phone")
    assert done.inputs == {"image": (1, 3, height, width)}
    assert done.outputs == {"logits": (1, 19, height, width)}
    assert phone_faults(onnx.load(done.path)) == []
    assert phone_faults(onnx.load(PLAIN))


def test_only_operator_sets_in_use_are_named(export: Callable[[str, str], ExportResult]) -> None:
    model = onnx.load(export("int8", "network").path)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert model.ir_version == 8


def test_some_nodes_stay_float_and_weights_fit_older_cpus(collins: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "kept.onnx"
    options: dict[str, Any] = {"precision": "int8", "calibration": [collins]}
    done = export_onnx(PLAIN, CARD, path, **options, keep_float=["first", "last"], weight_bits=7)
    assert done.parity.holds
    graph = onnx.load(path).graph
    nodes = [n for n in graph.node if n.op_type == "Conv"]
    quantised = [n.input[1].endswith("DequantizeLinear_Output") for n in nodes]
    assert (quantised[0], quantised[-1]) == (False, False)
    assert all(quantised[1:-1])
    weights = [numpy_helper.to_array(i) for i in graph.initializer if len(i.dims) == 4]
    assert max(abs(w.astype(int)).max() for w in weights if w.dtype == np.int8) <= 64
    with pytest.raises(ConfigError, match=r"no node middle to keep in float32: name first or last"):
        export_onnx(PLAIN, CARD, tmp_path / "no.onnx", **options, keep_float=["middle"])
    with pytest.raises(ConfigError, match="8 bits, or 7 for CPUs without VNNI; got 4"):
        export_onnx(PLAIN, CARD, tmp_path / "no.onnx", **options, weight_bits=4)


def test_wishes_that_make_no_sense(collins: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    with pytest.raises(ConfigError, match="int8 needs pictures"):
        export_onnx(PLAIN, CARD, path, precision="int8")
    with pytest.raises(ConfigError, match=r"precision is fp32, fp16, int8 and form .*got 'int4'"):
        export_onnx(PLAIN, CARD, path, precision="int4")
    with pytest.raises(ConfigError, match=r"got 'fp32' and 'watch'"):
        export_onnx(PLAIN, CARD, path, form="watch")
    with pytest.raises(ConfigError, match="needs opset 18 or later, got 17"):
        export_onnx(PLAIN, CARD, path, form="picture", opset=17)
    assert not list(tmp_path.iterdir())


def test_an_export_is_not_exported_again(export: Callable[[str, str], ExportResult]) -> None:
    path = export("fp32", "phone").path
    with pytest.raises(WeightsError, match=r"is an export already \(fp32, phone\): start from its plain"):
        load_source(path)


def test_a_foreign_graph_is_no_start(tmp_path: Path) -> None:
    from tests.engines.make_tiny import tiny

    model = tiny()
    model.graph.input[0].name = model.graph.node[0].input[0] = "input"
    path = tmp_path / "published.onnx"
    onnx.save(model, path)
    with pytest.raises(WeightsError, match=r"is not a plain export .*start from the checkpoint"):
        export_onnx(path, CARD, tmp_path / "a.onnx")
    path.write_bytes(b"\x08\x08 no graph")
    with pytest.raises(WeightsError, match="cannot read"):
        export_onnx(path, CARD, tmp_path / "a.onnx")
