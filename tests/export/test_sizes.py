"""A network whose graph holds for one size is exported for its card's, and says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from torchvision.models.swin_transformer import SwinTransformer  # noqa: E402

from faceparse import Parser, models  # noqa: E402
from faceparse.engines import open_engine  # noqa: E402
from faceparse.errors import EngineError  # noqa: E402
from faceparse.export import export_onnx  # noqa: E402
from faceparse.models.backbones.tapped import CLASSIFIERS, Classifier  # noqa: E402
from faceparse.models.segface import SegFace  # noqa: E402
from faceparse.weights import Card  # noqa: E402
from tests.export.test_export import card_of  # noqa: E402

pytestmark = pytest.mark.torch


def small_swin(weights: None = None) -> Any:
    return SwinTransformer([4, 4], 16, depths=[2, 1, 1, 1], num_heads=[1, 2, 2, 2], window_size=[4, 4])


@pytest.mark.slow
def test_swin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Classifier(small_swin, (1, 3, 5, 7), (16, 32, 64, 128), channels_last=True, any_size=False)
    monkeypatch.setitem(CLASSIFIERS, "small_swin", kind)
    torch.manual_seed(0)
    network = SegFace(19, "small_swin").eval()
    check(network, card_of("segface-celeb-swin_base", network.grid, 64), tmp_path)


def test_a_network_that_says_so(tiny_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = models.build(tiny_network).eval()
    monkeypatch.setattr(network, "any_size", False)
    check(network, card_of(tiny_network, network.grid, 64), tmp_path)


def check(network: models.Network, card: Card, folder: Path) -> None:
    done = export_onnx(network, card, folder / "a.onnx")
    assert done.parity.holds
    assert done.parity.inputs == ((1, 3, 64, 64), (2, 3, 64, 64))
    assert done.inputs == {"image": ("batch", 3, 64, 64)}
    side = 64 // network.grid.stride
    assert done.outputs == {"logits": ("batch", 19, side, side)}
    engine = open_engine(done.path, threads=1)
    image = np.zeros((3, 3, 64, 64), np.float32)
    assert engine.run({"image": image})["logits"].shape == (3, 19, side, side)
    parser = Parser(engine, faces="whole", batch=2)
    pictures = [np.full((*size, 3), 99, np.uint8) for size in ((40, 90), (64, 64), (200, 30))]
    assert [p.labels.shape for p in parser.map(pictures, workers=4)] == [p.shape[:2] for p in pictures]
    with pytest.raises(EngineError, match=r"failed on input \(1, 3, 96, 64\): .*Got: 96 Expected: 64"):
        engine.run({"image": np.zeros((1, 3, 96, 64), np.float32)})
