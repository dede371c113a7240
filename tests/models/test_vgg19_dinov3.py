"""VGG19+DINOv3 against the published implementation, and the files its weights come in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.errors import ConfigError, ImageError, OutputError, WeightsError  # noqa: E402
from faceparse.models.vgg19_dinov3 import VGG19DINOv3  # noqa: E402
from faceparse.weights import Checkpoint, write_safetensors  # noqa: E402
from faceparse.weights.card import parse_card  # noqa: E402
from faceparse.weights.importers.vgg19_dinov3 import TORCHVISION_VGG19  # noqa: E402
from tests.models.conftest import published_state  # noqa: E402
from tests.models.small import (  # noqa: E402
    META,
    SmallVGG19DINOv3,
    State,
    dinov3_of,
    small_last_ckpt,
    small_vgg19_dinov3,
    without_dinov3,
)

pytestmark = pytest.mark.torch
SMALL = "vgg19-dinov3-small"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_vgg19_dinov3(monkeypatch, SMALL)


@pytest.fixture(scope="module")
def state() -> State:
    return small_last_ckpt()


def lightning(state: State) -> dict[str, Any]:
    return {
        "epoch": 7,
        "global_step": 900,
        "pytorch-lightning_version": "2.5.0",
        "hyper_parameters": {"num_classes": 11, "lr": 1e-3},
        "state_dict": state,
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}],
        "lr_schedulers": [],
    }


def same(one: models.Network, other: models.Network) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(v, theirs[k]) for k, v in mine.items())


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("vgg19-dinov3-vitb16", 1e-4),
        pytest.param("vgg19-dinov3-vitl16", 1e-3, marks=pytest.mark.slow),
    ],
)
def test_equals_the_published_implementation(
    name: str,
    near: float,
    golden: Callable[[str], Mapping[str, NDArray[np.float32]]],
    golden_input: NDArray[np.float32],
) -> None:
    network = models.load_checkpoint(name, Checkpoint(Path("last.ckpt"), published_state(name)))
    assert isinstance(network, VGG19DINOv3)
    expected, x = golden(name), torch.from_numpy(golden_input)
    with torch.inference_mode():
        out, tokens = network(x), network.tokens(x)
    for output, key, cut in ((out, "out", np.s_[..., ::3, ::3]), (tokens, "tokens", np.s_[:])):
        mean, std = expected[f"{key}.mean_std"]
        assert np.abs(output.numpy()[cut] - expected[key]).max() < near * std
        assert abs(output.double().mean().item() - mean) < near * std


def test_whole_or_in_two_files(state: State, tmp_path: Path) -> None:
    torch.save(lightning(state), tmp_path / "last.ckpt")
    torch.save(without_dinov3(state), tmp_path / "decoder.ckpt")
    torch.save(dinov3_of(state), tmp_path / "dinov3.pth")
    whole: Any = models.load(SMALL, tmp_path / "last.ckpt")
    halves = models.load(SMALL, tmp_path / "decoder.ckpt", dinov3=tmp_path / "dinov3.pth")
    assert not whole.training
    assert same(whole, halves)
    assert torch.equal(whole.dinov3.reg_token, state[f"{META}storage_tokens"])
    bias, block = state[f"{META}blocks.0.attn.qkv.bias"], whole.dinov3.blocks[0]
    assert torch.equal(block.attn.q_bias, bias[:384])
    assert torch.equal(block.attn.v_bias, bias[768:])
    assert not block.attn.k_bias.any()
    assert torch.equal(block.gamma_2, state[f"{META}blocks.0.ls2.gamma"])


def test_the_periods_are_the_files_rounding_of_the_constants(state: State) -> None:
    key = f"{META}rope_embed.periods"
    constants = torch.tensor([100 ** (k / 16) for k in range(16)])

    def periods(given: State) -> Any:
        network: Any = models.load_checkpoint(SMALL, Checkpoint(Path("last.ckpt"), given))
        return network.dinov3.rope.periods

    assert torch.equal(periods(state), constants.bfloat16().float())
    for other in (torch.zeros(16), constants.flip(0), torch.full((16,), torch.nan)):
        torch.testing.assert_close(periods({**state, key: other}), constants)


def test_what_is_missing_wrong_or_too_much_is_told_in_a_line(state: State, tmp_path: Path) -> None:
    last, decoder, dinov3 = (tmp_path / n for n in ("last.ckpt", "decoder.ckpt", "dinov3.pth"))
    torch.save(state, last)
    torch.save(without_dinov3(state), decoder)
    torch.save(dinov3_of(state), dinov3)
    smaller, cut = tmp_path / "vits.pth", tmp_path / "cut.pth"
    torch.save({k: v[:1] if v.ndim else v for k, v in dinov3_of(state).items()}, smaller)
    cut.write_bytes(dinov3.read_bytes()[:-9])

    def fault(file: Path, **parts: Path) -> str:
        with pytest.raises(WeightsError) as raised:
            models.load(SMALL, file, **parts)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert f"decoder.ckpt is {SMALL} without its dinov3: name its file, Meta's ViT-S" in fault(decoder)
    assert "with dinov3=FILE (--dinov3 FILE on the command line)" in fault(decoder)
    assert "last.ckpt contains its dinov3 already: leave out" in fault(last, dinov3=dinov3)
    assert f"vits.pth does not fit {SMALL}, which takes Meta's ViT-S: " in fault(decoder, dinov3=smaller)
    assert "mis-shaped (cls_token is (1, 1, 384)" not in fault(decoder, dinov3=smaller)
    assert "decoder.ckpt does not fit" in fault(decoder, dinov3=decoder)
    assert "cut short or damaged" in fault(decoder, dinov3=cut)
    assert "no checkpoint file" in fault(decoder, dinov3=tmp_path / "gone.pth")
    assert "does not fit" in fault(dinov3)
    torch.save({k: v for k, v in state.items() if not k.endswith("blocks.0.ls1.gamma")}, last)
    assert "1 missing (encoder.dinov3.blocks.0.ls1.gamma)" in fault(last)


def test_a_decoder_alone_names_its_network(state: State) -> None:
    assert models.fits(without_dinov3(state)) == (SMALL,)
    file = Checkpoint(Path("decoder.ckpt"), without_dinov3(state))
    with pytest.raises(
        WeightsError, match=f"does not fit bisenet-resnet18.*The file fits {SMALL}: name that"
    ):
        models.load_checkpoint("bisenet-resnet18", file)


CARD = parse_card(
    {
        "id": "small",
        "title": "small",
        "network": SMALL,
        "scheme": "ourface11",
        "training": "noise",
        "input": {"size": [32, 32]},
        "output": {"stride": 1, "align_corners": False},
        "source": {"file": "last.ckpt"},
        "licence": {"weights": "none", "terms": "none"},
    },
    "card",
)


def test_decoder_only_is_what_the_published_script_makes(state: State, tmp_path: Path) -> None:
    last, target = tmp_path / "last.ckpt", tmp_path / "new" / "decoder.ckpt"
    torch.save(lightning(state), last)
    models.write_decoder_only(last, SMALL, target)
    content = torch.load(target, weights_only=True)
    kept = without_dinov3(state)
    assert content.keys() == lightning(state).keys() - {"optimizer_states", "lr_schedulers"}
    assert content["hyper_parameters"] == {"num_classes": 11, "lr": 1e-3}
    assert content["state_dict"].keys() == kept.keys()
    assert all(torch.equal(content["state_dict"][k], v) for k, v in kept.items())
    torch.save(dinov3_of(state), tmp_path / "dinov3.pth")
    whole = models.load(SMALL, last)
    assert same(models.load(SMALL, target, dinov3=tmp_path / "dinov3.pth"), whole)
    # From a file of ours the same, and from one that is a decoder alone.
    write_safetensors(tmp_path / "mine.safetensors", whole.state_dict(), CARD)
    for source in (tmp_path / "mine.safetensors", target):
        models.write_decoder_only(source, SMALL, tmp_path / "again.ckpt", overwrite=True)
        again = torch.load(tmp_path / "again.ckpt", weights_only=True)["state_dict"]
        assert again.keys() == kept.keys()
        assert all(torch.equal(again[k], v) for k, v in kept.items())


def test_decoder_only_refuses_in_a_line(state: State, tmp_path: Path) -> None:
    last = tmp_path / "last.ckpt"
    torch.save(lightning(state), last)
    before = last.read_bytes()
    with pytest.raises(ConfigError, match="bisenet-resnet18 has no part"):
        models.write_decoder_only(last, "bisenet-resnet18", tmp_path / "a.ckpt")
    with pytest.raises(ConfigError, match=r"a \.ckpt file, got a\.safetensors"):
        models.write_decoder_only(last, SMALL, tmp_path / "a.safetensors")
    with pytest.raises(OutputError, match="never written to"):
        models.write_decoder_only(last, SMALL, last, overwrite=True)
    (tmp_path / "there.ckpt").touch()
    with pytest.raises(OutputError, match="exists already"):
        models.write_decoder_only(last, SMALL, tmp_path / "there.ckpt")
    with pytest.raises(WeightsError, match="does not fit vgg19-dinov3-vitl16"):
        models.write_decoder_only(last, "vgg19-dinov3-vitl16", tmp_path / "a.ckpt")
    assert last.read_bytes() == before
    assert not (tmp_path / "a.ckpt").exists()


def test_importing_puts_the_parts_together(state: State, tmp_path: Path) -> None:
    torch.save(without_dinov3(state), tmp_path / "decoder.ckpt")
    torch.save(dinov3_of(state), tmp_path / "dinov3.pth")
    target = tmp_path / "whole.safetensors"
    models.import_checkpoint(
        tmp_path / "decoder.ckpt", SMALL, target, card=CARD, dinov3=tmp_path / "dinov3.pth"
    )
    assert same(
        models.load(SMALL, target), models.load_checkpoint(SMALL, Checkpoint(Path("last.ckpt"), state))
    )
    with pytest.raises(ConfigError, match="bisenet-resnet18 has no part 'dinov3'"):
        models.import_checkpoint(tmp_path / "decoder.ckpt", "bisenet-resnet18", tmp_path / "b", dinov3="x")


@pytest.mark.parametrize("size", [(96, 100), (100, 96), (0, 16), (15, 15)])
def test_sides_are_multiples_of_16(size: tuple[int, int]) -> None:
    with torch.device("meta"), pytest.raises(ImageError, match="multiples of 16, got"):
        SmallVGG19DINOv3()(torch.zeros(1, 3, *size))


def test_dinov3_is_frozen_and_the_rest_learns() -> None:
    network = SmallVGG19DINOv3(3).train()
    assert network.training
    assert not network.dinov3.training
    outputs = network.training_logits(torch.randn(2, 3, 32, 48))
    assert [o.shape for o in outputs] == [(2, 3, 32, 48)] * 4
    torch.stack([o.square().mean() for o in outputs]).sum().backward()
    for key, parameter in network.named_parameters():
        assert (parameter.grad is None) == key.startswith("dinov3."), key
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()


def test_backbones_start_from_their_own_files(state: State) -> None:
    from torchvision.models import vgg19_bn

    network = SmallVGG19DINOv3()
    network.load_backbone(dinov3_of(state))
    assert torch.equal(network.dinov3.cls_token, state[f"{META}cls_token"])
    with torch.device("meta"):
        theirs = {k: torch.empty_like(v, device="cpu") for k, v in vgg19_bn().state_dict().items()}
    theirs["features.36.weight"].fill_(0.5)
    assert {k: v.shape for k, v in TORCHVISION_VGG19(theirs).items()} == {
        k: v.shape for k, v in network.state_dict().items() if k.startswith("vgg.")
    }
    network.load_backbone(theirs)
    assert (network.vgg[36].weight == 0.5).all()
    assert torch.equal(network.dinov3.cls_token, state[f"{META}cls_token"])
    for wrong in ({}, {"storage_tokens": torch.zeros(1)}, {"features.0.weight": torch.zeros(3)}):
        with pytest.raises(WeightsError, match=r"Meta's DINOv3 .* and torchvision's VGG19-BN"):
            network.load_backbone(wrong)
