"""The examples in the docstrings are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from faceparse.errors import MissingExtraError
from tests.conftest import ROOT

SOURCE = ROOT / "src"
IMPORTS = {
    "faceparse.results.parsing": ("torch", "supervision"),
    "faceparse.train.options": ("pytorch_lightning",),
}
"""What an example imports and its file does not."""
HEAVY = ("segface", "segface_lapa", "vgg19_dinov3", "fcn8s", "bisenet")
"""Networks, of which one more is built in each example: `-m slow`."""


def modules() -> list[object]:
    """Names of the files with examples; slow ones are marked."""
    paths = [p for p in sorted(SOURCE.rglob("*.py")) if ">>>" in p.read_text(encoding="utf-8")]
    names = [".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for p in paths]
    slow = pytest.mark.slow
    return [pytest.param(n, marks=slow if n.rpartition(".")[2] in HEAVY else ()) for n in names]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("name", modules())
def test_examples_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        module = import_module(name)
        for package in IMPORTS.get(name, ()):
            import_module(package)
    except (ModuleNotFoundError, MissingExtraError) as error:
        pytest.skip(str(error))
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
