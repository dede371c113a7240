"""int8 of a network that is matrix products for the most part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from onnx import numpy_helper  # noqa: E402
from torchvision.models.swin_transformer import SwinTransformer  # noqa: E402

from faceparse.engines import open_engine  # noqa: E402
from faceparse.errors import ConfigError  # noqa: E402
from faceparse.export import ExportResult, export_onnx  # noqa: E402
from faceparse.models.backbones.tapped import CLASSIFIERS, Classifier  # noqa: E402
from faceparse.models.segface import SegFace  # noqa: E402
from tests.export.test_export import card_of  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]  # each begins with a whole export


def middle_swin(weights: None = None) -> Any:
    return SwinTransformer([4, 4], 64, depths=[1, 1, 1, 1], num_heads=[2, 2, 4, 4], window_size=[4, 4])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    widths = (64, 128, 256, 512)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            CLASSIFIERS,
            "middle_swin",
            Classifier(middle_swin, (1, 3, 5, 7), widths, channels_last=True, any_size=False),
        )
        torch.manual_seed(0)
        network = SegFace(19, "middle_swin").eval()
    card = card_of("segface-celeb-swin_base", network.grid, 128)
    return export_onnx(network, card, tmp_path_factory.mktemp("plain") / "plain.onnx")


def test_products_take_the_scale_of_what_comes(
    plain: ExportResult, tmp_path: Path, collins: NDArray[np.uint8]
) -> None:
    done = export_onnx(
        plain.path, plain.card, tmp_path / "a.onnx", precision="int8", calibration=[collins], weight_bits=7
    )
    assert done.parity.holds
    assert done.size < 0.85 * plain.size  # the decoder, all but tokens, is more than half of this one
    model = onnx.load(done.path)
    products = [n for n in model.graph.node if n.op_type == "MatMulInteger"]
    names = {name.split("_MatMul")[0] for n in products for name in n.output}
    # Of the three stages of 64 cells or more: query, key, value, out and two of the MLP, the way to the decoder, two mergings.
    assert len(names) == len(products) == 3 * 7 + 2
    known = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in products:
        weight = known[node.input[1]]
        assert weight.dtype == np.int8
        assert abs(weight.astype(int)).max() <= 64
    # The tokens' products, 19 rows each, are left: their MLP is 256 wide at one end and 2048 at the other.
    left = [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in known]
    assert {known[n.input[1]].shape for n in left} >= {(256, 2048), (2048, 256)}
    # Nothing else is: around the one convolution, of the patches, there is one scale before and one after.
    assert sum(n.op_type == "QuantizeLinear" for n in model.graph.node) <= 2
    engine = open_engine(done.path, threads=1)
    assert engine.run({"image": np.zeros((2, 3, 128, 128), np.float32)})["logits"].shape == (2, 19, 128, 128)


def test_some_products_stay_float(plain: ExportResult, tmp_path: Path, collins: NDArray[np.uint8]) -> None:
    nodes = onnx.load(plain.path).graph.node
    kept = next(n.name for n in nodes if n.op_type == "MatMul" and "linear" in n.name)
    counts = []
    for name, keep in (("all", []), ("kept", [kept])):
        done = export_onnx(
            plain.path,
            plain.card,
            tmp_path / f"{name}.onnx",
            precision="int8",
            calibration=[collins],
            keep_float=keep,
        )
        counts.append(sum(n.op_type == "MatMulInteger" for n in onnx.load(done.path).graph.node))
    assert counts[1] == counts[0] - 1


def test_an_unknown_node_is_answered_with_nodes_that_compute(
    plain: ExportResult, tmp_path: Path, collins: NDArray[np.uint8]
) -> None:
    nodes = {
        kind: [n.name for n in onnx.load(plain.path).graph.node if n.op_type == kind]
        for kind in ("Conv", "MatMul")
    }
    like = max(nodes["MatMul"], key=len)
    for wrong, offered in ((f"{like}x", [like]), ("?", [*nodes["Conv"][:1], *nodes["MatMul"][:1]])):
        with pytest.raises(ConfigError, match=r"no node .* such as") as raised:
            export_onnx(
                plain.path,
                plain.card,
                tmp_path / "wrong.onnx",
                precision="int8",
                calibration=[collins],
                keep_float=[wrong],
            )
        assert set(offered) <= set(str(raised.value).split("such as ")[1].split(", "))
