"""`faceparse export`: what it prints, and how it ends."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.runtime.engines import open_engine  # noqa: E402
from faceparse.weights import Card, write_safetensors  # noqa: E402
from faceparse.weights.modelfile import find_model  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def card(tiny_path: Path, tiny_network: str) -> Card:
    return replace(find_model(tiny_path).card, network=tiny_network, output=models.build(tiny_network).grid)


@pytest.fixture
def model(tmp_path: Path, card: Card) -> Path:
    path = tmp_path / "model.safetensors"
    write_safetensors(path, models.build(card.network).state_dict(), card)
    return path


def test_export(faceparse: Callable[..., Any], model: Path, card: Card, tmp_path: Path) -> None:
    target = tmp_path / "new" / "model.onnx"
    ran = faceparse("export", "--model", model, "-o", target)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "input: image (batch, 3, height, width)",
        "output: logits (batch, 19, grid_height, grid_width)",
        ran.out.splitlines()[2],
        f"wrote {target}, {target.stat().st_size / 1e6:.1f} MB, card {card.id}",
        f"terms: {card.licence.terms}",
    ]
    assert ran.out.splitlines()[2].startswith("parity: 100.000 % equal pixels, largest difference ")
    assert open_engine(target).card == card


def test_one_line_for_each_fault(faceparse: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.onnx"
    taken.write_text("mine")
    target = tmp_path / "a.onnx"
    for words, code, part in (
        (("--model", model, "-o", taken), 1, "exists"),
        (("--model", tmp_path / "none.ckpt", "-o", target), 2, "no model file"),
        (("--model", model, "-o", tmp_path / "a.pt"), 2, ".onnx file"),
        (("--model", model, "-o", target, "--card", "none"), 2, "no model card 'none'"),
    ):
        ran = faceparse("export", *words)
        assert ran.code == code
        assert part in ran.err
        assert ran.err.count("\n") == 1
    assert taken.read_text() == "mine"
    assert not target.exists()
    assert faceparse("export", "--model", model, "-o", taken, "--overwrite").code == 0
