"""The page's programs for a pool of processes, Spark and Daft, whose packages no extra brings."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAMS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs" / "scale.md").read_text(encoding="utf-8"), re.M | re.S
)


@pytest.mark.slow
@pytest.mark.parametrize("package", ["multiprocessing", "daft", "pyspark"])
def test_the_program_runs(package: str, tmp_path: Path) -> None:
    if not find_spec(package) or (package == "pyspark" and not shutil.which("java")):
        pytest.skip(f"{package} is not installed, or Java, which it needs")
    (program,) = (text for text in PROGRAMS if re.search(rf"^(import|from) {package}\b", text, re.M))
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    for name in ("a.jpg", "sub/b.jpg"):
        shutil.copy(ROOT / "examples" / "collins.jpg", tmp_path / "photos" / name)
    (tmp_path / "program.py").write_text(program)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYSPARK_PYTHON": sys.executable}
    ran = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "0.935" in ran.stdout  # the portrait's trust
