from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.weights import safetensors_card  # noqa: E402

pytestmark = pytest.mark.torch
NAME = "fpn-efficientnet_lite0"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    about = {"scheme": "celebamask19", "size": 64, "mean": [0.5] * 3, "std": [0.5] * 3}
    state = {f"network.{k}": v for k, v in models.build(NAME).state_dict().items()}
    torch.save({"state_dict": state, "faceparse": about}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


def test_imports_and_says_where(checkpoint: Path, faceparse: Callable[..., Any]) -> None:
    target = checkpoint.with_name("mine.safetensors")
    ran = faceparse("import", checkpoint, "--network", NAME, "-o", target)
    assert ran.code == 0
    assert f"{target}: card mine" in ran.out
    assert "terms: Unknown" in ran.out
    found = safetensors_card(target)
    assert found is not None
    assert found.id == "mine"


def test_faults_are_one_line_on_stderr(checkpoint: Path, faceparse: Callable[..., Any]) -> None:
    target = checkpoint.with_name("mine.safetensors")
    foreign = checkpoint.with_name("foreign.pt")
    torch.save(models.build(NAME).state_dict(), foreign)
    for words, code, message in (
        ((foreign, "--network", NAME, "-o", target), 2, "--card"),
        ((foreign, "--network", "bisenet-resnet18", "-o", target), 2, f"fits {NAME}"),
        ((foreign, "--network", "nope", "-o", target), 2, "no network"),
        ((foreign, "--network", NAME, "-o", target, "--card", "nope"), 2, "no model 'nope'"),
        ((checkpoint.with_name("gone.pt"), "--network", NAME, "-o", target), 2, "no checkpoint file"),
        ((checkpoint, "--network", NAME, "-o", target.with_suffix(".pt")), 2, ".safetensors file"),
        ((checkpoint, "--network", NAME, "-o", checkpoint / "x.safetensors"), 1, "cannot write"),
    ):
        ran = faceparse("import", *words)
        assert (ran.code, ran.out) == (code, "")
        assert ran.err.startswith("faceparse: ")
        assert message in ran.err
        assert len(ran.err.splitlines()) == 1
    assert not target.exists()


def test_overwriting_is_asked_for(checkpoint: Path, faceparse: Callable[..., Any]) -> None:
    target = checkpoint.with_name("mine.safetensors")
    target.write_bytes(b"precious")
    words = ("import", checkpoint, "--network", NAME, "-o", target)
    ran = faceparse(*words)
    assert ran.code == 1
    assert "--overwrite" in ran.err
    assert target.read_bytes() == b"precious"
    assert faceparse(*words, "--overwrite").code == 0
    assert safetensors_card(target) is not None
