"""The programs on the pages for Python users run, each page's in order, and show every public name."""

import re
import shutil
from importlib import import_module
from importlib.util import find_spec
from inspect import isclass, isfunction
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

PAGES = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
RUN = ["quickstart.md", "python.md", "api.md", "api-models.md", "api-train.md"]
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
ROOMS = re.findall(r"^## `(faceparse[\w.]*)`", "".join(PAGES[p] for p in RUN), re.M)


NEEDS = {
    "serve": ("fastapi", "python_multipart"),
    "torch": ("torch", "onnxscript"),
    "frames": ("av",),
    "scale": ("ray", "pyarrow", "pandas"),
    "supervision": ("supervision",),
}
"""Word of a heading → packages that its section needs."""


def runs(section: str) -> bool:
    """Whether the packages that a section needs are there."""
    heading = section.partition("\n")[0]
    return all(find_spec(name) for word, names in NEEDS.items() if word in heading for name in names)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("page", RUN)
def test_programs_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "collins.jpg", "photo.jpg")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    sections = re.split(r"^(?=## )", PAGES[page], flags=re.M)
    programs = [program for section in sections if runs(section) for program in PROGRAM.findall(section)]
    assert programs
    names: dict[str, Any] = {}
    for program in programs:
        exec(compile(program, page, "exec"), names)


def shows(kind: type, name: str) -> bool:
    """Whether an attribute of a public class is a public method or property of its own."""
    value = vars(kind)[name]
    return not name.startswith("_") and (
        isfunction(value) or isinstance(value, property | classmethod | staticmethod)
    )


def test_every_room_has_its_section() -> None:
    """Commands and recipes are no Python interface."""
    rooms = {path.parent.name for path in (ROOT / "src" / "faceparse").glob("*/__init__.py")} - {
        "cli",
        "train",
    }
    assert {f"faceparse.{name}" for name in rooms} <= {*ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_an_example_and_a_description(room: str) -> None:
    if room in ("faceparse.models", "faceparse.export"):
        pytest.importorskip("torch")
        pytest.importorskip("onnxscript")
    text = "".join(PAGES[p] for p in RUN)
    programs = "".join(PROGRAM.findall(text))
    module = import_module(room)
    names = getattr(module, "__all__", [n for n in vars(module) if n.endswith("Error")])
    public = [n for n in names if n not in ("models", "__version__")]
    assert [n for n in public if not re.search(rf"\b{n}\b", programs)] == []
    methods = [
        f"{n}.{m}"
        for n in public
        if isclass(kind := getattr(module, n))
        for m in vars(kind)
        if shows(kind, m)
    ]
    assert [m for m in methods if not re.search(rf"(\.|def ){m.partition('.')[2]}\b", programs)] == []
    homes = ("faceparse", room)
    assert [n for n in public if not any(re.search(rf":: {home}\.{n}$", text, re.M) for home in homes)] == []
