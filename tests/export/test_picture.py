"""Preprocessing inside the graph: any card, any picture, the parser's own labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse.engines import Engine, open_engine  # noqa: E402
from faceparse.errors import WeightsError  # noqa: E402
from faceparse.export import PictureGraph, export_onnx  # noqa: E402
from faceparse.parser import Parser  # noqa: E402
from faceparse.weights import Card, Grid, Preprocessing  # noqa: E402
from faceparse.weights.modelfile import find_model  # noqa: E402

pytestmark = pytest.mark.torch

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
INPUTS = [
    Preprocessing((64, 64), (0, 0, 0), (1, 1, 1)),
    Preprocessing((64, 96), (0, 0, 0), (1, 1, 1), interpolation="bicubic"),
    Preprocessing((64, 64), MEAN, STD, channels="BGR", scale=255.0),
]


def _pictures(collins: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    whole = Image.fromarray(collins)
    return [np.asarray(whole.resize(size)) for size in ((64, 64), (512, 512), (37, 90), (401, 233))]


@pytest.mark.parametrize("wanted", INPUTS, ids=["bilinear", "bicubic", "BGR 0-255"])
@pytest.mark.parametrize("grid", [Grid(4, False), Grid(4, True)], ids=["cells", "corners"])
def test_labels_of_whole_pictures(
    tiny_path: Path, tmp_path: Path, collins: NDArray[np.uint8], wanted: Preprocessing, grid: Grid
) -> None:
    card: Card = replace(find_model(tiny_path).card, input=wanted, output=grid)
    done = export_onnx(tiny_path, card, tmp_path / "picture.onnx", form="picture")
    assert done.inputs == {"picture": ("batch", "height", "width", 3)}
    assert done.outputs == {"labels": ("batch", "height", "width")}
    assert done.parity.difference is None
    engine = open_engine(tiny_path)
    parser = Parser(_WithCard(engine, card), faces="whole", scheme=None)
    graph = PictureGraph(done.path)
    for picture in _pictures(collins):
        labels = graph(picture)
        assert labels.dtype == np.uint8
        assert labels.shape == picture.shape[:2]
        assert (labels == parser.parse(picture).labels).mean() >= 0.99


class _WithCard:
    def __init__(self, engine: Engine, card: Card) -> None:
        self.card, self.description, self.run = card, engine.description, engine.run


def test_a_batch_of_pictures(tiny_path: Path, tmp_path: Path, collins: NDArray[np.uint8]) -> None:
    import onnxruntime

    path = export_onnx(tiny_path, find_model(tiny_path).card, tmp_path / "p.onnx", form="picture").path
    both = np.stack([collins, collins[:, ::-1]])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    labels = session.run(["labels"], {"picture": both})[0]
    graph = PictureGraph(path)
    np.testing.assert_array_equal(labels, [graph(p) for p in both])


def test_the_parser_says_what_such_a_file_is_for(tiny_path: Path, tmp_path: Path) -> None:
    path = export_onnx(tiny_path, find_model(tiny_path).card, tmp_path / "p.onnx", form="picture").path
    with pytest.raises(WeightsError, match=r"contains its preprocessing .*the model that it was"):
        open_engine(path)
