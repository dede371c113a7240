"""What every packaged card holds to."""

import re
from dataclasses import replace

import pytest

from faceparse.weights import Backbone, Card, backbone, backbones, cards, published_path
from faceparse.weights.modelfile import find_model, packaged
from faceparse.weights.summary import record, state

every_card = pytest.mark.parametrize("card", cards().values(), ids=list(cards()))


def test_there_are_cards() -> None:
    assert cards()


@every_card
def test_card_is_complete(card: Card) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", card.id)
    assert len(card.label_scheme) > 1
    for text in (card.title, card.training, card.limits, card.source.file, card.source.project):
        assert text.strip()
        assert "\n" not in text
    assert card.licence.weights.strip()
    assert card.licence.terms.strip()
    assert card.source.sha256 == "" or re.fullmatch(r"[0-9a-f]{64}", card.source.sha256)
    assert all(size % card.output.stride == 0 for size in card.input.size)
    assert len(card.data) <= 40, "the data set's name comes first, the rest after a colon"
    for figure in card.figures:
        assert 0 <= figure.value <= 100
        assert figure.protocol in ("label", "input")
        assert figure.origin in ("measured", "published")


@pytest.mark.parametrize("name", packaged())
def test_a_packaged_file_carries_its_card(name: str) -> None:
    inside = find_model(name).card
    assert replace(inside, variant=None) == cards()[name]
    assert (inside.variant is None) == (name == "default")


@every_card
def test_celebamask_weights_say_that_they_are_non_commercial(card: Card) -> None:
    if "CelebAMask" in card.training or "celebamask" in card.training:
        assert "on-commercial" in card.licence.terms


@every_card
def test_weights_can_be_had(card: Card) -> None:
    source = card.source
    assert card.id in packaged() or source.origin.startswith("https://")
    assert not source.revision or source.hub
    assert source.name in str(published_path(card))
    assert not card.licence.consent or card.licence.url, "who is to accept terms must be able to read them"


@pytest.mark.parametrize("backbone", backbones().values(), ids=list(backbones()))
def test_backbone_is_complete(backbone: Backbone) -> None:
    assert backbone.id not in cards()
    assert backbone.option.isidentifier()
    assert backbone.source.origin.startswith("https://")
    assert all((backbone.title, backbone.training, backbone.licence.weights, backbone.licence.terms))
    assert not backbone.licence.consent or backbone.licence.url
    digits = backbone.source.name.rsplit("-", 1)[-1].split(".")[0]  # as torch.hub names files
    assert backbone.source.sha256.startswith(digits)
    assert state(backbone) == ("not here", None)


@every_card
def test_its_backbone_is_known(card: Card) -> None:
    assert not card.backbone or backbone(card.backbone).id == card.backbone


@every_card
def test_programs_get_the_card(card: Card) -> None:
    assert record(card)["id"] == card.id
    assert state(card)[0] == ("in the package" if card.id in packaged() else "not here")
    assert not card.headline or card.headline in card.figures


@pytest.mark.torch
@every_card
def test_card_agrees_with_its_network(card: Card) -> None:
    torch = pytest.importorskip("torch")
    from faceparse.models import network

    with torch.device("meta"):
        built = network(card.network).build(num_classes=len(card.label_scheme))
    if card.source.name.endswith(".onnx") and card.id not in packaged():
        assert card.output.stride in (
            1,
            built.grid.stride,
        )  # a foreign graph may bring its logits to full size
    else:
        assert built.grid == card.output
    assert (card.input.warp != "") == built.needs_landmarks
    assert card.input.multiple == built.multiple
    counted = sum(p.numel() for p in built.parameters())
    assert card.parameters == counted or (card.id in packaged() and not card.parameters)
