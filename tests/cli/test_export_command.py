"""`faceparse export`: what it prints, and how it ends."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.engines import open_engine  # noqa: E402
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
        (("--model", model, "-o", target, "--card", "none"), 2, "no model 'none'"),
        (("--model", model, "-o", target, "--phone", "--with-preprocessing"), 2, "choose one"),
        (("--model", model, "-o", target, "--calibrate", tmp_path), 2, "needs --precision int8; got fp32"),
        (("--model", model, "-o", target, "--precision", "int8"), 2, "--calibrate FOLDER"),
        (("--model", model, "-o", target, "--precision", "half"), 2, "fp32, fp16, int8"),
        (("--model", model, "-o", target, "--opset", "14"), 2, "opset is 15 to"),
        (
            ("--model", model, "-o", target, "--data.root", tmp_path, "--data.scheme", "lapa11"),
            2,
            "is not a data set folder",
        ),
    ):
        ran = faceparse("export", *words)
        assert ran.code == code
        assert part in ran.err
        assert ran.err.count("\n") == 1
    assert taken.read_text() == "mine"
    assert not target.exists()
    assert faceparse("export", "--model", model, "-o", taken, "--overwrite").code == 0


@pytest.fixture
def labelled(tiny_path: Path, tmp_path: Path) -> Path:
    """Pictures painted in the scheme's colours, and what they were painted from."""
    scheme = find_model(tiny_path).card.label_scheme
    for i in range(3):
        blocks = (np.arange(256).reshape(16, 16) // 4 + i) % len(scheme)
        labels = blocks.repeat(4, 0).repeat(4, 1).astype(np.uint8)
        for folder, values in (("images", scheme.palette[labels]), ("labels", labels)):
            (tmp_path / "faces" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(tmp_path / "faces" / folder / f"{i}.png")
    return tmp_path / "faces"


@pytest.mark.parametrize(
    ("words", "variant"),
    [
        (("--precision", "int8", "--calibrate", "images"), " (int8)"),
        (("--precision", "fp16"), " (fp16)"),
        (("--with-preprocessing",), " (fp32, picture)"),
        (("--opset", "17"), ""),
    ],
)
def test_mean_f1_before_and_after(
    faceparse: Callable[..., Any],
    tiny_path: Path,
    labelled: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    variant: str,
) -> None:
    target = tmp_path / "variant.onnx"
    given = [str(labelled / w) if w == "images" else w for w in words]
    data = ("--data.root", labelled, "--data.scheme", "celebamask19", "--split", "all", "--pictures", 2)
    ran = faceparse("export", "--model", tiny_path, "-o", target, *given, *data)
    assert ran.err == ""
    assert ran.code == 0
    line = re.search(r"^mean F1: (\d+\.\d\d) before, (\d+\.\d\d) after, [+-]\d\.\d\d (.*)$", ran.out, re.M)
    assert line is not None
    before, after, where = line.groups()
    assert 50 < float(before) < 100  # logits are interpolated from block to block
    assert abs(float(before) - float(after)) < 5
    assert where == "(2 pictures of faces all)"
    assert f"card tiny{variant}\n" in ran.out


def test_for_phones(faceparse: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    ran = faceparse("export", "--model", model, "-o", tmp_path / "phone.onnx", "--phone")
    assert ran.code == 0
    assert "input: image (1, 3, 64, 64)\noutput: logits (1, 19, 64, 64)\n" in ran.out
    assert "phone: nothing left that phones reject\n" in ran.out
    assert "(fp32, phone)" in ran.out
