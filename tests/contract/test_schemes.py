"""Every scheme, and a user's own, comes back from every file that carries one: its colours and tables too."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceparse.labels import Scheme, plain, reference, scheme, schemes
from faceparse.results import Parsing
from faceparse.weights import Card, card, parse_card, safetensors_card, write_safetensors

OWN = """
name: spots
title: Skin, and two kinds of spots
classes: [background, skin, l_spot, r_spot, hair]
colours: {l_spot: [255, 128, 0], r_spot: "#00ff80"}
pairs: [[l_spot, r_spot]]
left_means: viewer
to: {celebamask19: {l_spot: skin, r_spot: ignore}, face2: {skin: face, l_spot: face, r_spot: face, hair: background}}
from: {face2: {face: skin}, celebamask19: {nose: skin, hat: ignore}}
read_as: face2
merges: {background: rest, skin: [skin, nose]}
"""


@pytest.fixture(params=[*sorted(schemes()), "a file", "the package's classes in other colours"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Scheme:
    if request.param in schemes():
        return schemes()[request.param]
    if request.param == "a file":
        (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
        return scheme(tmp_path / "own.yaml")
    return replace(schemes()["face2"], colours={"face": (1, 2, 3)}, tables_to={}, tables_from={})


def model_card(one: Scheme) -> Card:
    return replace(card("default"), scheme=reference(one))


def test_the_file_says_all_there_is_to_say(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    assert set(plain(scheme(tmp_path / "own.yaml"))) == {
        *("name", "title", "classes", "colours", "pairs", "left_means", "to", "from", "read_as", "merges")
    }


def test_npz(one: Scheme, tmp_path: Path) -> None:
    labels = np.arange(len(one), dtype=np.uint8)[None]
    parsing = Parsing.from_labels(np.zeros((1, len(one), 3), np.uint8), labels, one)
    parsing.save(tmp_path / "a.npz")
    again = Parsing.load(tmp_path / "a.npz").scheme
    assert (again, plain(again)) == (one, plain(one))
    assert (again.palette == one.palette).all()
    assert (again is one) == (one in schemes().values() and not one.colours), (
        "the package's own is one object"
    )


def test_model_card(one: Scheme) -> None:
    again = parse_card(json.loads(model_card(one).to_json()), "a card").label_scheme
    assert (again, plain(again)) == (one, plain(one))


@pytest.mark.torch
def test_checkpoint(one: Scheme, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    write_safetensors(tmp_path / "a.safetensors", {"a": torch.ones(2)}, model_card(one))
    carried = safetensors_card(tmp_path / "a.safetensors")
    assert carried is not None
    assert (carried.label_scheme, plain(carried.label_scheme)) == (one, plain(one))
