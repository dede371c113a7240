"""Every command on the pages of the published systems runs, on small networks and made weights."""

import re
import shlex
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.errors import EngineError  # noqa: E402
from faceparse.runtime.engines.onnx import OnnxEngine  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.models.small import (  # noqa: E402
    caffe_layers,
    dinov3_of,
    small_fcn8s,
    small_last_ckpt,
    small_vgg19_dinov3,
    without_dinov3,
)
from tests.weights.caffe_writer import old_model  # noqa: E402

pytestmark = pytest.mark.torch

CARD = """
id = "{network}"
title = "made"
network = "{network}"
scheme = "{scheme}"
training = "none"
[input]
size = [64, 64]
{input}
[output]
stride = 1
align_corners = false
[source]
file = "made"
[licence]
weights = "none"
terms = "none"
"""
BGR = 'mean = [104.00699, 116.66877, 122.67892]\nstd = [1.0, 1.0, 1.0]\nchannels = "BGR"\nscale = 255.0'


def commands(page: str) -> Iterator[list[str]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            assert program == "faceparse"
            yield words


def run_all(page: str, card: str, faceparse: Callable[..., Any]) -> None:
    Path("card.toml").write_text(card, encoding="utf-8")
    ran = 0
    for words in commands(page):
        if "--card" in words:
            words[words.index("--card") + 1] = "card.toml"
        if "--decoder-only" in words:  # into a file of another name, for the first is there
            words[-1] = "small.ckpt"
        result = faceparse(*words)
        assert result.code == 0, (words, result.err)
        target = Path(words[next(i for i, w in enumerate(words) if w in ("-o", "--output")) + 1])
        assert target.exists()
        ran += 1
    assert ran >= 3


def both_ways(network: models.Network, file: str, size: tuple[int, int, int]) -> tuple[Any, Any, Any]:
    """An image, and its logits by the network and by the ONNX file."""
    batch, height, width = size
    image = np.random.default_rng(0).standard_normal((batch, 3, height, width)).astype(np.float32)
    with torch.inference_mode():
        wanted = network.grid_logits(torch.from_numpy(image)).numpy()
    return image, wanted, OnnxEngine(Path(file)).run({"image": image})["logits"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "collins.jpg", tmp_path / "photo.jpg")
    return tmp_path


def test_fcn8s(folder: Path, monkeypatch: pytest.MonkeyPatch, faceparse: Callable[..., Any]) -> None:
    small_fcn8s(monkeypatch)
    state = models.build("fcn8s").state_dict()
    torch.save(state, folder / "face_seg_fcn8s.pt")
    with zipfile.ZipFile(folder / "face_seg_fcn8s.zip", "w") as archive:
        archive.write(folder / "face_seg_fcn8s.pt", "face_seg_fcn8s.pt")
    (folder / "face_seg_fcn8s.caffemodel").write_bytes(b"".join(old_model(caffe_layers(state))))
    run_all("fcn8s.md", CARD.format(network="fcn8s", scheme="voc21-face", input=BGR), faceparse)
    with Image.open(folder / "out" / "photo_mask.png") as mask, Image.open("out/photo_heatmap.png") as heat:
        assert mask.size == heat.size == (512, 512)
        sure = np.abs(np.asarray(heat, np.int16) - 127.5) > 1  # else rounding decides
        np.testing.assert_array_equal((np.asarray(heat) > 127)[sure], np.asarray(mask)[sure] == 1)
    network = models.load("fcn8s", "face_seg_fcn8s.pt")
    for size in ((1, 20, 64), (3, 97, 131)):
        image, wanted, found = both_ways(network, "fcn8s.onnx", size)
        assert found.shape == (size[0], 21, *image.shape[2:])
        np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.std())


def test_vgg19_dinov3(folder: Path, monkeypatch: pytest.MonkeyPatch, faceparse: Callable[..., Any]) -> None:
    name = "vgg19-dinov3-vitl16"
    small_vgg19_dinov3(monkeypatch, name)
    state = small_last_ckpt()
    torch.save({"state_dict": state, "epoch": 3}, folder / "last.ckpt")
    torch.save(without_dinov3(state), folder / "decoder.ckpt")
    torch.save(dinov3_of(state), folder / "dinov3_vitl16_pretrain_lvd1689m-8aa4cbdd.pth")
    run_all(
        "vgg19-dinov3.md", CARD.format(network=name, scheme="ourface11", input="multiple = 16"), faceparse
    )
    assert torch.load("small.ckpt", weights_only=True)["state_dict"].keys() == without_dinov3(state).keys()
    with Image.open(folder / "out" / "photo_mask.png") as mask:
        assert np.asarray(mask).max() < 11
    network = models.load(name, "last.ckpt")
    _, wanted, found = both_ways(network, "vgg19-dinov3.onnx", (3, 48, 112))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.std())
    with pytest.raises(EngineError, match=r"multiples of 16; got 40 × 64"):
        OnnxEngine(Path("vgg19-dinov3.onnx")).run({"image": np.zeros((1, 3, 40, 64), np.float32)})


def test_import_refuses_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, faceparse: Callable[..., Any]
) -> None:
    name = "vgg19-dinov3-vitl16"
    small_vgg19_dinov3(monkeypatch, name)
    torch.save(without_dinov3(small_last_ckpt()), "decoder.ckpt")
    start = ("import", "decoder.ckpt", "--network")
    for words, message in (
        ((name, "-o", "a.safetensors"), "is vgg19-dinov3-vitl16 without its dinov3: give that as"),
        ((name, "-o", "a.safetensors", "--dinov3", "gone.pth"), "no checkpoint file gone.pth"),
        ((name, "-o", "a.safetensors", "--dinov3", "decoder.ckpt"), "which takes Meta's ViT-S"),
        (("bisenet-resnet18", "-o", "a.safetensors", "--dinov3", "x"), "has no part 'dinov3'"),
        (("bisenet-resnet18", "-o", "a.ckpt", "--decoder-only"), "--decoder-only is not for it"),
        ((name, "-o", "a.ckpt", "--decoder-only", "--dinov3", "x"), "leave out --dinov3 and --card"),
        ((name, "-o", "a.pt", "--decoder-only"), "a .ckpt file, got a.pt"),
    ):
        ran = faceparse(*start, *words)
        assert (ran.code, ran.out) == (2, ""), words
        assert message in ran.err
        assert len(ran.err.splitlines()) == 1
