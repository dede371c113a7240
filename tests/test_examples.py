"""Every example runs."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {
    "hair_mask.py": ["collins.jpg", "{tmp}/hair.png"],
    "many_photos.py": ["collins.jpg"],
    "fake_engine.py": [],
    "training_samples.py": ["collins.jpg", "{tmp}/samples.jpg", "default-tune"],
}


PROGRAMS = sorted(
    path for path in EXAMPLES.glob("*.py") if path.name != "comfyui_faceparse.py"
)  # see test_comfyui.py


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.name)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    if path.name == "training_samples.py":
        pytest.importorskip("pytorch_lightning")
    words = [a.format(tmp=tmp_path) for a in ARGUMENTS[path.name]]
    ran = subprocess.run(
        [sys.executable, str(path), *words], cwd=EXAMPLES, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout
