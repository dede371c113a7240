"""What every engine does alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.engines import Engine, FakeEngine, open_engine
from faceparse.errors import EngineError
from faceparse.parser import Parser
from faceparse.weights.modelfile import find_model


def _onnx(tiny: Path, folder: Path) -> Engine:
    return open_engine(tiny, engine="onnx", threads=1)


def _fake(tiny: Path, folder: Path) -> Engine:
    def logits(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.repeat(image[:, :1, ::4, ::4], 19, axis=1) * np.arange(19, dtype=np.float32)[:, None, None]

    return FakeEngine(find_model(tiny).card, logits)


def _torch(tiny: Path, folder: Path) -> Engine:
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from dataclasses import replace

    from faceparse.models import build
    from faceparse.weights import write_safetensors

    name = "fpn-efficientnet_lite0"
    torch.manual_seed(0)
    card = replace(find_model(tiny).card, id="random", network=name)
    path = folder / "random.safetensors"
    write_safetensors(path, build(name).state_dict(), card)
    return open_engine(path, engine="torch")


@pytest.fixture(scope="module", params=[_onnx, _fake, pytest.param(_torch, marks=pytest.mark.torch)])
def engine(
    request: pytest.FixtureRequest, tiny_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Engine:
    make: Callable[[Path, Path], Engine] = request.param
    return make(tiny_path, tmp_path_factory.mktemp("engine"))


def images(number: int, height: int = 64, width: int = 96) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((number, 3, height, width), np.float32)


def test_named_output_of_the_cards_scheme(engine: Engine) -> None:
    outputs = engine.run({"image": images(1)})
    assert set(outputs) == {"logits"}
    logits = outputs["logits"]
    assert logits.dtype == np.float32
    assert logits.shape == (1, len(engine.card.label_scheme), 16, 24)
    assert logits.flags.c_contiguous


def test_the_description_is_in_every_result(engine: Engine) -> None:
    name, *device = engine.description.split()
    assert name in ("fake", "onnx", "torch")
    assert device == ([] if name == "fake" else ["cpu", "fp32"])
    for batch in (1, 4):
        parsing = Parser(engine, faces="whole", batch=batch).parse(np.zeros((64, 64, 3), np.uint8))
        assert parsing.engine == parsing.record()["engine"] == engine.description


def test_a_batch_of_two_is_two_singles(engine: Engine) -> None:
    both = images(2)
    together = engine.run({"image": both})["logits"]
    alone = [engine.run({"image": both[i : i + 1]})["logits"][0] for i in range(2)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert not np.allclose(together[0], together[1])


def test_any_size(engine: Engine) -> None:
    for height, width in ((32, 32), (96, 64)):
        logits = engine.run({"image": images(1, height, width)})["logits"]
        assert logits.shape[2:] == (height // 4, width // 4)


def test_the_input_is_left_alone(engine: Engine) -> None:
    image = images(1)
    image.setflags(write=False)
    turned = np.asarray(image.transpose(0, 1, 3, 2))  # not contiguous
    np.testing.assert_array_equal(
        engine.run({"image": turned})["logits"], engine.run({"image": turned.copy()})["logits"]
    )
    np.testing.assert_array_equal(image, images(1))


def test_threads_share_an_engine(engine: Engine) -> None:
    pictures = [images(1) * scale for scale in np.linspace(0.2, 1, 4, dtype=np.float32)]
    alone = [engine.run({"image": p})["logits"] for p in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: engine.run({"image": p})["logits"], pictures))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "named 'image'; got none"),
        ({"input": images(1)}, "named 'image'; got input"),
        ({"image": images(1)[0]}, r"got float32 \(3, 64, 96\)"),
        ({"image": images(1).astype(np.float64)}, "got float64"),
        ({"image": images(1).transpose(0, 2, 3, 1)}, r"\(1, 64, 96, 3\)"),
        ({"image": images(0)}, r"\(0, 3, 64, 96\)"),
    ],
    ids=["none", "name", "no batch", "float64", "channels last", "empty"],
)
def test_other_inputs_are_refused(
    engine: Engine, inputs: dict[str, NDArray[np.float32]], message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        engine.run(inputs)
