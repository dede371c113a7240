"""Every command on the pages of the published systems runs, on small networks and made weights."""

import re
import shlex
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.engines.onnx import OnnxEngine  # noqa: E402
from faceparse.errors import EngineError  # noqa: E402
from faceparse.weights import cards  # noqa: E402
from faceparse.weights.card import __name__ as card_module  # noqa: E402
from faceparse.weights.importers.segface import segface  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.data import made  # noqa: E402
from tests.models.conftest import published_state  # noqa: E402
from tests.models.small import (  # noqa: E402
    caffe_layers,
    dinov3_of,
    small_fcn8s,
    small_last_ckpt,
    small_vgg19_dinov3,
    without_dinov3,
)
from tests.train.conftest import make_faces  # noqa: E402
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
BISENET = CARD.replace("stride = 1", "stride = 8").replace("align_corners = false", "align_corners = true")
BISENET = BISENET.replace("{scheme}", "celebamask19").replace("{input}", "")
SEGFACE = "segface-celeb-mobilenet"
ALL = ("import", "parse", "train", "evaluate", "export")
BGR = 'mean = [104.00699, 116.66877, 122.67892]\nstd = [1.0, 1.0, 1.0]\nchannels = "BGR"\nscale = 255.0'


def commands(page: str) -> Iterator[list[str]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            assert program == "faceparse"
            yield words


SMALL = [
    "--epochs",
    "1",
    "--sizes",
    "[[0,64]]",
    "--batch_size",
    "2",
    "--data.workers",
    "0",
    "--tensorboard",
    "false",
]
"""A training run of seconds."""

NO_BACKBONE = ("--backbone", "null")
TINY = {
    "segface-celeb": NO_BACKBONE,
    "segface-lapa": NO_BACKBONE,
    "segface-helen": (*NO_BACKBONE, "--data.train", "0-50%", "--data.val", "50-100%"),
    "vgg19-dinov3-vitl16": (*NO_BACKBONE, "--trainer.limit_train_batches", "2"),
}
"""By recipe, what goes with it on made data: no download, parts of two pictures, few steps."""


def run_all(
    page: str,
    card: str,
    faceparse: Callable[..., Any],
    *,
    weights: Mapping[str, str] = MappingProxyType({}),
    needs: Collection[str] = ("import", "parse", "export"),
) -> None:
    """Run a page's commands in order, small: on made files, for a step or two.

    Args:
        page: In docs.
        card: What `--card` names, whatever it names there: a small input; `{network}` is the command's.
        faceparse: The command line.
        weights: By id, the file that `weights get` takes in place of a download.
        needs: Commands that the page shows at least.
    """
    ran = set()
    for words in commands(page):
        if "--card" in words:
            network = words[words.index("--network") + 1]
            Path("card.toml").write_text(card.replace("{network}", network), encoding="utf-8")
            words[words.index("--card") + 1] = "card.toml"
        if "--decoder-only" in words:  # into a file of another name, for the first is there
            words[-1] = "small.ckpt"
        if words[:2] == ["weights", "get"]:
            words += ["--from", weights[words[2]]]
        if words[0] == "train":
            words += [*SMALL, *TINY.get(words[words.index("--recipe") + 1], ())]
        result = faceparse(*words)
        assert result.code == 0, (words, result.err)
        outputs = [i for i, w in enumerate(words) if w in ("-o", "--output")]
        assert all(Path(words[i + 1]).exists() for i in outputs)
        ran.add(words[0])
    assert ran >= set(needs)


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
    (tmp_path / "photos").mkdir()
    with Image.open(tmp_path / "photo.jpg") as photo:
        for name, size in (("a.jpg", (96, 96)), ("b.png", (120, 80))):
            photo.resize(size).save(tmp_path / "photos" / name)
    return tmp_path


@pytest.fixture
def unhashed_cards(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The package's cards without their files' SHA-256, so that made files pass for the published ones."""
    root = tmp_path_factory.mktemp("package")
    (root / "cards").mkdir()
    for path in (ROOT / "src" / "faceparse" / "weights" / "cards").glob("*.toml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = "\n".join(line for line in lines if not line.startswith("sha256"))
        (root / "cards" / path.name).write_text(kept, encoding="utf-8")
    paths = sorted((root / "cards").glob("*.toml"))
    monkeypatch.setattr(sys.modules[card_module], "packaged_tables", lambda _: paths)
    cards.cache_clear()
    yield
    cards.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("unhashed_cards")
def test_bisenet(folder: Path, faceparse: Callable[..., Any], tiny_path: Path) -> None:
    pytest.importorskip("pytorch_lightning")
    torch.save(published_state("bisenet-resnet18"), "resnet18.pt")
    torch.save(published_state("bisenet-zllrunning"), "79999_iter.pth")
    foreign = tiny_path.read_bytes().replace(b"faceparse.card", b"somebody.s.own")
    Path("resnet34.onnx").write_bytes(foreign)
    make_faces(folder / "faces")
    weights = {
        "bisenet-resnet34-yakhyo-onnx": "resnet34.onnx",
        "bisenet-resnet18-yakhyo": "resnet18.pt",
    }
    commands = ("weights", "import", "parse", "train", "evaluate", "export")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's, of short runs
        run_all("bisenet.md", BISENET, faceparse, weights=weights, needs=commands)
    network = models.load("bisenet-resnet18", "resnet18.pt")
    _, wanted, found = both_ways(network, "resnet18.onnx", (3, 72, 131))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.std())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_segface(folder: Path, faceparse: Callable[..., Any]) -> None:
    pytest.importorskip("pytorch_lightning")
    made.celebamask_hq(folder / "CelebAMask-HQ", range(9))
    made.lapa(folder / "LaPa")
    made.helen(folder / "helen")
    made.folder(folder / "faces")
    network = models.build(SEGFACE)
    expected = segface("celeb", "backbone.").expects(
        {k: tuple(v.shape) for k, v in network.state_dict().items()}
    )
    state = dict(zip(expected, network.state_dict().values(), strict=True))
    torch.save({"state_dict_backbone": state, "epoch": 299}, "model_299.pt")
    card = CARD.format(network=SEGFACE, scheme="segface-celeb19", input="")
    run_all(
        "segface.md",
        card,
        faceparse,
        weights={"segface-celeb-mobilenet-512": "model_299.pt"},
        needs=ALL,
    )
    with Image.open("out/photo_mask.png") as mask:
        assert mask.size == (512, 512)
    with Image.open("out/b_mask.png") as mask:
        assert mask.size == (120, 80)
    network.eval()
    for size in ((3, 40, 131), (1, 64, 64)):
        _, wanted, found = both_ways(network, "segface.onnx", size)
        np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.std())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_fcn8s(folder: Path, monkeypatch: pytest.MonkeyPatch, faceparse: Callable[..., Any]) -> None:
    small_fcn8s(monkeypatch)
    state = models.build("fcn8s").state_dict()
    torch.save(state, folder / "face_seg_fcn8s.pt")
    with zipfile.ZipFile(folder / "face_seg_fcn8s.zip", "w") as archive:
        archive.write(folder / "face_seg_fcn8s.pt", "face_seg_fcn8s.pt")
    (folder / "face_seg_fcn8s.caffemodel").write_bytes(b"".join(old_model(caffe_layers(state))))
    card = CARD.format(network="fcn8s", scheme="voc21-face", input=BGR)
    pytest.importorskip("pytorch_lightning")
    made.folder(folder / "faces", classes=2)
    (folder / "faces" / "labels").rename(folder / "faces" / "masks")
    run_all("fcn8s.md", card, faceparse, weights={"fcn8s": "face_seg_fcn8s.zip"}, needs=ALL)
    with Image.open(folder / "out" / "photo_mask.png") as mask, Image.open("out/photo_heatmap.png") as heat:
        assert mask.size == heat.size == (512, 512)
        sure = np.abs(np.asarray(heat, np.int16) - 127.5) > 1  # else rounding decides
        np.testing.assert_array_equal((np.asarray(heat) > 127)[sure], np.asarray(mask)[sure] == 1)
    network = models.load("fcn8s", "face_seg_fcn8s.pt")
    for size in ((1, 20, 64), (3, 97, 131)):
        image, wanted, found = both_ways(network, "fcn8s.onnx", size)
        assert found.shape == (size[0], 21, *image.shape[2:])
        np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.std())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_vgg19_dinov3(folder: Path, monkeypatch: pytest.MonkeyPatch, faceparse: Callable[..., Any]) -> None:
    name = "vgg19-dinov3-vitl16"
    small_vgg19_dinov3(monkeypatch, name)
    state = small_last_ckpt()
    torch.save({"state_dict": state, "epoch": 3}, folder / "last.ckpt")
    torch.save(without_dinov3(state), folder / "decoder.ckpt")
    torch.save(dinov3_of(state), folder / "dinov3_vitl16_pretrain_lvd1689m-8aa4cbdd.pth")
    pytest.importorskip("pytorch_lightning")
    made.facesynthetics(folder / "dataset_100000", 100)
    card = CARD.format(network=name, scheme="ourface11", input="multiple = 16")
    run_all("vgg19-dinov3.md", card, faceparse, needs=ALL)
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
        ((name, "-o", "a.safetensors"), "is vgg19-dinov3-vitl16 without its dinov3: name its file"),
        ((name, "-o", "a.safetensors", "--dinov3", "gone.pth"), "no checkpoint file gone.pth"),
        ((name, "-o", "a.safetensors", "--dinov3", "decoder.ckpt"), "which takes Meta's ViT-S"),
        (("bisenet-resnet18", "-o", "a.safetensors", "--dinov3", "x"), "has no part 'dinov3'"),
        (("bisenet-resnet18", "-o", "a.ckpt", "--decoder-only"), "leave out --decoder-only"),
        ((name, "-o", "a.ckpt", "--decoder-only", "--dinov3", "x"), "leave out --dinov3 and --card"),
        ((name, "-o", "a.pt", "--decoder-only"), "a .ckpt file, got a.pt"),
    ):
        ran = faceparse(*start, *words)
        assert (ran.code, ran.out) == (2, ""), words
        assert message in ran.err
        assert len(ran.err.splitlines()) == 1
