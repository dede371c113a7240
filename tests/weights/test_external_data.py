"""Numbers that an ONNX model keeps in other files: they lie in its own folder, whatever ONNX Runtime allows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceparse.engines import open_engine
from faceparse.errors import WeightsError
from faceparse.parser import Parser
from faceparse.weights.modelfile import find_model

onnx = pytest.importorskip("onnx")


def elsewhere(location: str, tensor: Any) -> Any:
    """The tensor, its numbers left out."""
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant(location: str) -> Any:
    value = elsewhere(location, onnx.numpy_helper.from_array(np.zeros(2, np.float32), "c"))
    return onnx.helper.make_node("Constant", [], ["c"], value=value)


def initialiser(model: Any, location: str) -> None:
    elsewhere(location, model.graph.initializer[0])


def attribute(model: Any, location: str) -> None:
    model.graph.node.append(constant(location))


def graph_inside(model: Any, location: str) -> None:
    branch = onnx.helper.make_graph([constant(location)], "b", [], [])
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch)], "a", [], []
    )
    model.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], else_branch=branch))


def function(model: Any, location: str) -> None:
    model.functions.add(name="f").node.append(constant(location))


def sparse(model: Any, location: str) -> None:
    elsewhere(location, model.graph.sparse_initializer.add().indices)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The model's folder, beside a file of numbers; one is in it too."""
    folder = tmp_path / "model"
    folder.mkdir()
    for place in (tmp_path / "numbers", folder / "numbers"):
        place.write_bytes(bytes(4 * 57))
    (folder / "link").symlink_to(tmp_path / "numbers")
    (folder / "circle").symlink_to(folder / "circle")
    return folder


def written(folder: Path, put: Any, location: str) -> Path:
    from tests.engines.make_tiny import tiny

    model = tiny()
    put(model, location)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("put", [initialiser, attribute, graph_inside, function, sparse])
@pytest.mark.parametrize(
    "location",
    ["../numbers", "{}/numbers", "link", "nowhere", "", "x/../../numbers", "a\0", "circle", "a" * 9999],
)
def test_a_file_elsewhere_is_refused(put: Any, location: str, folder: Path) -> None:
    path = written(folder, put, location.format(folder.parent))
    with pytest.raises(WeightsError, match="not a file in its folder") as caught:
        find_model(path)
    assert str(caught.value).isprintable()


def test_a_file_beside_the_model_is_used(folder: Path) -> None:
    engine = open_engine(written(folder, initialiser, "numbers"))
    logits = engine.run({"image": np.ones((1, 3, 4, 4), np.float32)})["logits"]
    assert logits.shape == (1, 19, 1, 1)


def test_both_files_may_be_links_into_one_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "numbers").unlink()
    (folder / "numbers").symlink_to(tmp_path / "numbers")
    path = written(folder, initialiser, "numbers")
    path.rename(tmp_path / "blob")
    path.symlink_to(tmp_path / "blob")
    assert find_model(path).card.id == "tiny"


def test_a_field_of_too_many_bits_is_no_other_readers_field(folder: Path) -> None:
    path = written(folder, initialiser, "numbers")
    tag = (7 + (1 << 29)) * 8 + 2  # a graph, to a reader that takes 32 bits of it
    varint = bytes(0x80 | tag >> shift & 0x7F for shift in range(0, 28, 7)) + bytes([tag >> 28])
    path.write_bytes(path.read_bytes() + varint + b"\0")
    with pytest.raises(WeightsError, match="damaged"):
        find_model(path)


def test_other_numbers_in_the_other_file_are_another_model(folder: Path) -> None:
    parser = Parser(written(folder, initialiser, "numbers"), faces="whole")
    before = parser.identity
    assert parser.identity == before
    (folder / "numbers").write_bytes(bytes(4 * 56) + b"abcd")
    assert parser.identity != before
