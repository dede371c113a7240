"""The published form in a loop as other projects write it: resize, normalise, run, argmax of the first output, resize back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from faceparse.engines import open_engine  # noqa: E402
from faceparse.errors import ConfigError  # noqa: E402
from faceparse.export import export_onnx, load_source  # noqa: E402
from faceparse.parser import Parser  # noqa: E402
from faceparse.weights import Card, Grid  # noqa: E402
from faceparse.weights import card as find_card  # noqa: E402
from faceparse.weights.modelfile import find_model  # noqa: E402

pytestmark = pytest.mark.torch


def published_loop(model: Path, pictures: list[Path], card: Card) -> list[NDArray[np.uint8]]:
    """Label maps at each picture's size, one run for all; of a card are read size, mean and std alone."""
    height, width = card.input.size
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    batch, sizes = [], []
    for path in pictures:
        image = Image.open(path).convert("RGB")
        sizes.append(image.size)
        values = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32) / 255
        values = (values - np.array(card.input.mean, np.float32)) / np.array(card.input.std, np.float32)
        batch.append(values.transpose(2, 0, 1))
    outputs = session.run(None, {session.get_inputs()[0].name: np.stack(batch)})
    masks = outputs[0].argmax(1).astype(np.uint8)
    return [
        np.asarray(Image.fromarray(mask).resize(wanted, Image.Resampling.NEAREST))
        for mask, wanted in zip(masks, sizes, strict=True)
    ]


def test_a_published_loop_has_the_masks_of_parse(
    faceparse: Callable[..., Any], collins_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "faces").mkdir()
    with Image.open(collins_path) as photo:
        photo.save(tmp_path / "faces" / "a.png")
        photo.resize((640, 480)).save(tmp_path / "faces" / "b.png")
    ran = faceparse("export", "--model", "default", "--for", "published", "-o", tmp_path / "theirs.onnx")
    assert (ran.code, ran.err) == (0, "")
    assert "input: input (batch, 3, height, width)\noutput: output (batch, 19, height, width)\n" in ran.out
    for model in ("default", tmp_path / "theirs.onnx"):
        out = tmp_path / f"out-{Path(model).stem}"
        assert (
            faceparse("parse", tmp_path / "faces", "-o", out, "--faces", "whole", "--model", model).code == 0
        )
        pictures = [tmp_path / "faces" / name for name in ("a.png", "b.png")]
        masks = published_loop(tmp_path / "theirs.onnx", pictures, find_card("default"))
        for path, mask in zip(pictures, masks, strict=True):
            with Image.open(out / f"{path.stem}_mask.png") as ours:
                assert (np.asarray(ours) == mask).mean() >= 0.99


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_logits_at_the_inputs_size(tiny_path: Path, tmp_path: Path, corners: bool, precision: str) -> None:
    card: Card = replace(find_model(tiny_path).card, output=Grid(4, corners))
    done = export_onnx(
        tiny_path,
        card,
        tmp_path / "p.onnx",
        form="published",
        precision=precision,
        names=("x", "seg"),
        opset=15,
    )
    assert done.inputs == {"x": ("batch", 3, "height", "width")}
    assert done.outputs == {"seg": ("batch", 19, "height", "width")}
    image = np.random.default_rng(0).standard_normal((3, 3, 48, 80)).astype(np.float32)
    grid = torch.from_numpy(open_engine(tiny_path).run({"image": image})["logits"])
    wanted = torch.nn.functional.interpolate(grid, size=(48, 80), mode="bilinear", align_corners=corners)
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    actual = session.run(["seg"], {"x": image})[0]
    np.testing.assert_allclose(actual, wanted.numpy(), rtol=1e-3, atol=1e-3 if precision == "fp32" else 0.05)
    assert Parser(done.path).card.output == Grid(1, False)


def test_names_of_their_own(tiny_path: Path, tmp_path: Path) -> None:
    card = find_model(tiny_path).card
    inside = onnx.load(tiny_path).graph.node[0].output[0]
    for names in (("same", "same"), ("", "output"), (inside, "output")):
        with pytest.raises(ConfigError, match="two different names"):
            export_onnx(tiny_path, card, tmp_path / "p.onnx", form="published", names=names)
    warped = replace(card, input=replace(card.input, warp="lapa"))
    with pytest.raises(ConfigError, match="warped around a face"):
        export_onnx(tiny_path, warped, tmp_path / "p.onnx", form="published")


def test_beside_the_checkpoint(
    faceparse: Callable[..., Any], tiny_network: str, tiny_path: Path, tmp_path: Path
) -> None:
    from faceparse import models
    from faceparse.weights import write_safetensors

    network = models.build(tiny_network)
    card = replace(find_model(tiny_path).card, network=tiny_network, output=network.grid)
    write_safetensors(tmp_path / "mine.safetensors", network.state_dict(), card)
    theirs = ("--for", "published", "--input-name", "image", "--output-name", "logits")
    ran = faceparse("export", "--model", tmp_path / "mine.safetensors", *theirs)
    assert (ran.code, ran.err) == (0, "")
    assert load_published_names(tmp_path / "mine.onnx") == ("image", "logits")
    for words, part in (
        (("--model", "default"), "give -o FILE"),
        (("--model", tiny_path), "give -o FILE"),
        (("--model", "default", "-o", tmp_path / "a.onnx", "--for", "phone"), "faceparse or published"),
        (("--model", "default", "-o", tmp_path / "a.onnx", "--input-name", "x"), "need --for published"),
        (
            ("--model", "default", "-o", tmp_path / "a.onnx", "--for", "published", "--phone"),
            "exclude each other",
        ),
    ):
        ran = faceparse("export", *words)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert part in ran.err
    with pytest.raises(Exception, match="is an export already"):
        load_source(tmp_path / "mine.onnx")


def load_published_names(path: Path) -> tuple[str, str]:
    graph = onnx.load(path).graph
    return graph.input[0].name, graph.output[0].name
