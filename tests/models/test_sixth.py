"""A sixth network, from another package: one file, one card, an entry point; then everything works with it."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("pytorch_lightning")

from faceparse import Parser, models  # noqa: E402
from faceparse.models import registry  # noqa: E402
from tests.cli.conftest import faceparse  # noqa: E402, F401
from tests.conftest import ROOT  # noqa: E402
from tests.contract import test_networks as contract  # noqa: E402
from tests.train.conftest import make_faces  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def shown(name: str) -> str:
    """The block of the page that begins with this file's name."""
    found = re.search(rf"^```\w+\n# {re.escape(name)}\n(.*?)^```", PAGE, re.M | re.S)
    assert found, name
    return found[1]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which the other package lies, as installers lay it down."""
    (tmp_path / "sixth_network.py").write_text(shown("sixth_network.py"), encoding="utf-8")
    about = tmp_path / "sixth_network-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: sixth-network\nVersion: 1.0\n")
    points = tomllib.loads(shown("pyproject.toml"))["project"]["entry-points"]["faceparse.networks"]
    lines = "".join(f"{name} = {module}\n" for name, module in points.items())
    (about / "entry_points.txt").write_text(f"[faceparse.networks]\n{lines}")
    (tmp_path / "sixth.toml").write_text(shown("sixth.toml"), encoding="utf-8")
    monkeypatch.setattr(registry.NETWORKS, "_things", dict(models.networks()))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry.NETWORKS, "_faults", {})
    yield tmp_path
    sys.modules.pop("sixth_network", None)


@pytest.fixture
def checkpoint(installed: Path) -> Path:
    """Weights as its authors name them."""
    torch.manual_seed(0)
    state = {k.replace("look.", "backbone."): v for k, v in models.build("sixth").state_dict().items()}
    torch.save({"state_dict": state}, installed / "sixth.pth")
    return installed / "sixth.pth"


def test_it_holds_to_the_contract(installed: Path) -> None:
    contract.built.cache_clear()
    contract.test_shapes("sixth")
    contract.test_grid_logits_upsample_to_logits_and_the_input_is_left_alone("sixth")
    contract.test_pictures_of_a_batch_do_not_meet("sixth")
    contract.test_training_logits_begin_with_the_logits("sixth")
    contract.test_it_trains("sixth")
    contract.built.cache_clear()


def test_every_command_takes_it(
    checkpoint: Path,
    collins_path: Path,
    faceparse: Callable[..., Any],  # noqa: F811
) -> None:
    network = models.load("sixth", checkpoint)
    image = torch.zeros(1, 3, 32, 48)
    assert network(image).shape == (1, 11, 32, 48)

    def run(*words: object) -> None:
        ran = faceparse(*words)
        assert ran.code == 0, (words, ran.err)

    run("import", checkpoint, "--network", "sixth", "--card", "sixth.toml", "-o", "sixth.safetensors")
    run("export", "--model", "sixth.safetensors", "-o", "sixth.onnx")
    for model in ("sixth.safetensors", "sixth.onnx"):
        run("parse", collins_path, "-o", model.replace(".", "-"), "--model", model, "--scheme", "lapa11")
    with (
        Image.open("sixth-safetensors/collins_mask.png") as one,
        Image.open("sixth-onnx/collins_mask.png") as other,
    ):
        assert (np.asarray(one) == np.asarray(other)).mean() > 0.999
    assert Parser("sixth.onnx").card.licence.weights == "MIT"


def test_it_trains_by_the_command(installed: Path, faceparse: Callable[..., Any]) -> None:  # noqa: F811
    make_faces(installed / "faces")
    small = "--epochs 1 --sizes [[0,64]] --batch_size 2 --data.workers 0 --tensorboard false --scheme lapa11"
    where = "--data.root faces --data.scheme celebamask19 --output run"
    ran = faceparse("train", "--recipe", "default", "--network", "sixth", *small.split(), *where.split())
    assert ran.code == 0, ran.err
    assert models.load("sixth", "run/best.ckpt").state_dict()["say.bias"].shape == (11,)
    scored = faceparse("export", "--model", "run/best.ckpt", "-o", "trained.onnx")
    assert scored.code == 0, scored.err
    scored = faceparse(
        "evaluate", "--model", "trained.onnx", "--data.root", "faces", "--data.scheme", "celebamask19"
    )
    assert scored.code == 0, scored.err
    assert "skin" in scored.out
