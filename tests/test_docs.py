"""The programs on the pages for Python users run, each page's in order."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

PAGES = ["quickstart.md", "python.md"]


def programs(page: str) -> list[str]:
    """A page's Python blocks; without torch, those of sections whose heading names it are left out."""
    sections = re.split(r"^(?=## )", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.M)
    runnable = [s for s in sections if find_spec("torch") or "torch" not in s.partition("\n")[0]]
    return [block for s in runnable for block in re.findall(r"^```python\n(.*?)^```", s, re.M | re.S)]


@pytest.mark.parametrize("page", PAGES)
def test_programs_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "collins.jpg", "photo.jpg")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict[str, Any] = {}
    assert programs(page)
    for program in programs(page):
        exec(compile(program, page, "exec"), names)
