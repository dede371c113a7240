"""Every benchmark still starts: a renamed function must not break one unnoticed."""

import runpy
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

BENCHMARKS = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))


def test_the_small_face_benchmark_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    run = runpy.run_path(str(ROOT / "benchmarks" / "small_faces.py"))["main"]
    run(["--faces", "1", "--sizes", "64", "--data.root", "nowhere"])
    assert capsys.readouterr().out.splitlines()[-1].split()[:3] == ["64", "100", "%"]


@pytest.mark.torch
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_loads(name: str) -> None:
    code = f"import sys, runpy; sys.path.insert(0, 'benchmarks'); runpy.run_path('benchmarks/{name}')"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
