"""What a run starts from: ImageNet backbones from a server on this machine, parts and weights from files."""

import hashlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from torchvision.models import ResNet18_Weights, resnet18, vgg19_bn  # noqa: E402

from faceparse import models  # noqa: E402
from faceparse.errors import ConfigError, DownloadError, WeightsError  # noqa: E402
from faceparse.models import registry  # noqa: E402
from faceparse.models.backbones.imagenet import imagenet  # noqa: E402
from faceparse.train.fit import fit  # noqa: E402
from faceparse.train.settings import Settings, read_settings  # noqa: E402
from faceparse.train.start import starting_network  # noqa: E402
from faceparse.weights.backbone import Backbone  # noqa: E402
from faceparse.weights.card import Grid, Licence, Source  # noqa: E402
from tests.models.small import dinov3_of, small_last_ckpt, small_vgg19_dinov3, without_dinov3  # noqa: E402
from tests.weights.server import Served, Site, serving  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
FILE = "tiny-{}.pth"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


@pytest.fixture
def published(site: Site, monkeypatch: pytest.MonkeyPatch) -> str:
    """A network `tiny` whose backbone is published on the server; the published numbers are all 3."""
    out = io.BytesIO()
    torch.save({"weight": torch.full((4, 3, 2, 2), 3.0), "bias": torch.full((4,), 3.0)}, out)
    name = FILE.format(hashlib.sha256(out.getvalue()).hexdigest()[:8])
    site.pages[name] = Served(out.getvalue())

    class Tiny(models.Network):
        grid = Grid(stride=2, align_corners=False)
        multiple = 2

        def __init__(self, num_classes: int = 19) -> None:
            super().__init__()
            self.trunk = torch.nn.Conv2d(3, 4, 2, stride=2)
            self.head = torch.nn.Conv2d(4, num_classes, 1)

        def grid_logits(self, image: Any) -> Any:
            return self.head(self.trunk(image))

        def load_backbone(self, state: Any) -> None:
            self.trunk.load_state_dict(state)

        pretrained = Backbone(
            name.removesuffix(".pth"),
            "Tiny of nobody",
            "backbone",
            "none",
            Source(name, url=site.at(name)),
            Licence("-", "-"),
        )

    models.networks()
    monkeypatch.setitem(registry.NETWORKS._things, "tiny", models.Entry("tiny", Tiny, "celebamask19"))
    return name


def settings(*more: str) -> Settings:
    return read_settings(["--data.root", "data", "--network", "tiny", "--sizes", "[[0, 64]]", *more])


def test_an_imagenet_backbone_is_downloaded_once(published: str, site: Site) -> None:
    for _ in range(2):
        network: Any = starting_network(settings("--backbone", "imagenet"))
        assert (network.trunk.weight == 3).all()
        assert not (network.head.weight == 3).any()
    assert [method for method, _, _ in site.asked] == ["GET"]


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_backbone_out_of_reach_is_one_line(published: str, site: Site, status: int) -> None:
    site.pages[published] = Served(status=status)
    with pytest.raises(DownloadError, match=f"answered with {status}") as said:
        starting_network(settings("--backbone", "imagenet"))
    assert "\n" not in str(said.value)


def test_offline_is_said(published: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARSE_OFFLINE", "1")
    with pytest.raises(DownloadError, match="faceparse is offline"):
        starting_network(settings("--backbone", "imagenet"))
    assert not site.asked


def test_a_file_that_is_not_what_its_name_says_is_refused(published: str, site: Site) -> None:
    out = io.BytesIO()
    torch.save({"weight": torch.zeros(4, 3, 2, 2), "bias": torch.zeros(4)}, out)
    site.pages[published] = Served(out.getvalue())
    for _ in range(2):  # and it is not kept
        with pytest.raises(DownloadError, match="expected a SHA-256"):
            starting_network(settings("--backbone", "imagenet"))


def test_random_weights_are_told(published: str, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        starting_network(settings())
    assert "tiny starts from random weights: --backbone imagenet takes Tiny of nobody" in caplog.text
    assert not site.asked


def test_torchvision_s_files_are_named_and_fit(tmp_path: Path) -> None:
    backbone = imagenet(ResNet18_Weights.IMAGENET1K_V1)
    assert backbone.source.url == "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    assert backbone.title == "ResNet18 of torchvision, IMAGENET1K_V1"
    named = {models.build(n).pretrained for n in ("fpn-efficientnet_lite0", "bisenet-resnet18")}
    assert named == {None, backbone}
    theirs = resnet18(weights=None).state_dict()
    torch.save(theirs, tmp_path / "resnet18.pth")
    network: Any = starting_network(
        settings("--network", "bisenet-resnet18", "--backbone", str(tmp_path / "resnet18.pth"))
    )
    assert torch.equal(network.trunk.layer4[1].conv2.weight, theirs["layer4.1.conv2.weight"])


def test_without_an_address_a_file_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="no address of ImageNet weights is known for fpn-"):
        starting_network(settings("--network", "fpn-efficientnet_lite0", "--backbone", "imagenet"))


VGG = "vgg19-dinov3-vitl16"


def vgg(*more: str) -> Settings:
    return settings("--network", VGG, "--scheme", "ourface11", *more)


def test_dinov3_comes_from_its_file_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_vgg19_dinov3(monkeypatch, VGG)
    state = small_last_ckpt()
    dinov3, theirs = tmp_path / "dinov3.pth", vgg19_bn(weights=None).state_dict()
    torch.save(dinov3_of(state), dinov3)
    torch.save(theirs, tmp_path / "vgg.pth")
    words = ("--parts.dinov3", str(dinov3), "--backbone", str(tmp_path / "vgg.pth"))
    network: Any = starting_network(vgg(*words)).train()
    assert torch.equal(network.vgg[0].weight, theirs["features.0.weight"])
    mine = network.dinov3.blocks[0].attn.proj.weight
    assert torch.equal(mine, state["encoder.dinov3.blocks.0.attn.proj.weight"])
    assert not any(p.requires_grad for p in network.dinov3.parameters())
    assert not network.dinov3.training

    torch.save(without_dinov3(state), tmp_path / "decoder.ckpt")
    both: Any = starting_network(
        vgg("--weights", str(tmp_path / "decoder.ckpt"), "--parts.dinov3", str(dinov3))
    )
    assert torch.equal(both.dinov3.blocks[0].attn.proj.weight, mine)
    assert torch.equal(both.vgg[0].weight, state["encoder.cnn.layers.0.weight"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), r"frozen dinov3: give .*--parts.dinov3 FILE, Meta's ViT-S"),
        (("--parts.dinov3", "gone.pth"), "no checkpoint file gone.pth"),
        (("--parts.dinov3", "other.pth"), "does not fit vgg19-dinov3-vitl16, which takes Meta's ViT-S"),
        (("--sizes", "[[0, 72]]"), "takes sizes that are multiples of 16; got 72"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    small_vgg19_dinov3(monkeypatch, VGG)
    torch.save({"a": torch.zeros(2)}, "other.pth")
    with pytest.raises((WeightsError, ConfigError), match=message) as said:
        starting_network(vgg(*words))
    assert "\n" not in str(said.value)


def test_other_parts_and_other_classes_are_refused(tmp_path: Path, made_faces: Path) -> None:
    with pytest.raises(ConfigError, match="bisenet-resnet18 has no part 'dinov3' of its own; it has none"):
        starting_network(settings("--network", "bisenet-resnet18", "--parts.dinov3", "x.pth"))
    torch.save(models.build("bisenet-resnet18").state_dict(), tmp_path / "nineteen.pt")
    with pytest.raises(WeightsError, match="does not fit bisenet-resnet18"):
        starting_network(
            settings(
                "--network",
                "bisenet-resnet18",
                "--scheme",
                "lapa11",
                "--weights",
                str(tmp_path / "nineteen.pt"),
            )
        )


def test_scenes_have_no_landmarks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"set augmentation\.scene to 0"):
        fit(
            settings(
                "--network",
                "segface-lapa-mobilenet",
                "--scheme",
                "lapa11",
                "--augmentation.scene",
                "0.5",
                "--data.train",
                "0-80%",
                "--data.val",
                "80-100%",
            )
        )
