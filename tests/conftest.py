"""Fixtures shared by all rooms."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

# Time is the benchmarks' business: a busy machine fails no test. `--hypothesis-profile slow` tries more examples.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("slow", deadline=None, max_examples=300)
settings.load_profile("quick")

# Small networks on several threads mostly wait for each other. Torch reads it when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, not there yet; nobody's downloaded weights matter to a test."""
    folder = tmp_path_factory.getbasetemp() / "cache" / secrets.token_hex(8)
    monkeypatch.setenv("FACEPARSE_CACHE", str(folder))
    monkeypatch.delenv("FACEPARSE_OFFLINE", raising=False)
    return folder / "weights"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data beside the checkout; tests that read it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no development data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def collins_path() -> Path:
    """NASA's portrait of Eileen Collins, 512 × 512, public domain."""
    return ROOT / "examples" / "collins.jpg"


@pytest.fixture(scope="session")
def collins(collins_path: Path) -> NDArray[np.uint8]:
    """The portrait as RGB uint8."""
    with Image.open(collins_path) as file:
        return np.asarray(file.convert("RGB"))


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    """An ONNX model with its card: each 4 × 4 block gets the class whose palette colour is nearest."""
    return ROOT / "tests" / "engines" / "tiny.onnx"


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a registered network of one convolution, for tests of what is done with networks."""
    torch = pytest.importorskip("torch")
    from faceparse import models
    from faceparse.models import registry
    from faceparse.weights import Grid

    class Tiny(models.Network):
        grid = Grid(stride=2, align_corners=False)

        def __init__(self, num_classes: int = 19) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, num_classes, 2, stride=2)
            self.drop = torch.nn.Dropout(0.5)

        def grid_logits(self, image: Any) -> Any:
            return self.drop(self.conv(image))

    models.networks()
    monkeypatch.setitem(registry.NETWORKS._things, "tiny", models.Entry("tiny", Tiny, "celebamask19"))
    return "tiny"


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Another package, as installers lay it down: `install("its_package", "writers", {"name": "module:Thing"}, module=CODE)`."""

    def one(package: str, group: str, points: dict[str, str], **modules: str) -> None:
        site = tmp_path / package
        about = site / f"{package}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {where}\n" for name, where in points.items()]
        (about / "entry_points.txt").write_text(f"[faceparse.{group}]\n" + "".join(lines))
        for name, code in modules.items():
            (site / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(str(site))

    return one
