from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.errors import WeightsError  # noqa: E402
from faceparse.weights import Checkpoint, card  # noqa: E402

pytestmark = pytest.mark.torch
Published = Callable[[str], dict[str, Any]]


def read(tensors: dict[str, Any], **about: Any) -> Checkpoint:
    return Checkpoint(Path("file.pt"), tensors, **about)


def fault(name: str, tensors: dict[str, Any]) -> str:
    with pytest.raises(WeightsError) as raised:
        models.load_checkpoint(name, read(tensors))
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_each_kind_of_fault_is_listed_by_the_files_own_keys(published: Published) -> None:
    state = published("bisenet-resnet18")
    del state["ffm.conv1.weight"]
    state["extra.thing"] = torch.zeros(1)
    state["conv_out.conv.weight"] = torch.zeros(11, 256, 1, 1)
    text = fault("bisenet-resnet18", state)
    assert "1 missing (ffm.conv1.weight)" in text
    assert "1 unexpected (extra.thing)" in text
    assert "1 mis-shaped (conv_out.conv.weight is (11, 256, 1, 1), not (19, 256, 1, 1))" in text
    assert "fits none of the registered networks" in text


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("bisenet-zllrunning", "bisenet-resnet18"),
        ("bisenet-resnet18", "bisenet-zllrunning"),
        ("bisenet-resnet34", "bisenet-resnet18"),
        ("bisenet-resnet18", "fpn-efficientnet_lite0"),
    ],
)
def test_a_checkpoint_of_another_network_names_it(file: str, asked: str, published: Published) -> None:
    text = fault(asked, published(file))
    assert f"does not fit {asked}" in text
    assert "unexpected (" in text
    assert f"The file fits {file}: " in text


def test_an_unused_classifier_may_be_absent(published: Published) -> None:
    state = {k: v for k, v in published("bisenet-resnet18").items() if ".fc." not in k}
    assert not models.load_checkpoint("bisenet-resnet18", read(state)).training


def test_our_own_names_are_taken(published: Published) -> None:
    state = models.load_checkpoint("bisenet-zllrunning", read(published("bisenet-zllrunning"))).state_dict()
    assert models.fits(state) == ("bisenet-resnet18", "bisenet-zllrunning")
    again = models.load_checkpoint("bisenet-zllrunning", read(state)).state_dict()
    assert all(torch.equal(again[k], v) for k, v in state.items())


def test_a_file_of_ours_says_how_many_classes_it_has() -> None:
    state = models.build("fpn-efficientnet_lite0", num_classes=11).state_dict()
    file = read(state, settings={"scheme": "lapa11"})
    with torch.inference_mode():
        logits = models.load_checkpoint("fpn-efficientnet_lite0", file)(torch.zeros(1, 3, 32, 32))
    assert logits.shape == (1, 11, 32, 32)
    with pytest.raises(WeightsError, match="mis-shaped"):
        models.load_checkpoint(
            "fpn-efficientnet_lite0", read(state, card=card("bisenet-resnet18-zllrunning"))
        )


def test_classes_can_be_given_for_a_foreign_file() -> None:
    state = models.build("bisenet-resnet18", num_classes=5).state_dict()
    network = models.load_checkpoint("bisenet-resnet18", read(state), num_classes=5)
    assert network.state_dict()["head.classify.weight"].shape[0] == 5


def test_half_precision_weights_become_float32(published: Published) -> None:
    halves = {k: v.half() if v.is_floating_point() else v for k, v in published("bisenet-resnet18").items()}
    network = models.load_checkpoint("bisenet-resnet18", read(halves))
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_loading_draws_nothing_from_the_callers_random_stream(published: Published) -> None:
    before = torch.random.get_rng_state()
    models.load_checkpoint("bisenet-resnet18", read(published("bisenet-resnet18")))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_unknown_network_is_told_before_the_file_is_read() -> None:
    with pytest.raises(WeightsError, match="no network 'nope'; there are bisenet-resnet18"):
        models.load("nope", "not-there.pth")


def test_reachable_from_the_package() -> None:
    import faceparse

    assert faceparse.models.load is models.load
