"""Two processes (gloo, CPU) train as one does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from tests.train.conftest import make_faces  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        not torch.distributed.is_available() or sys.platform == "win32",
        reason="needs torch.distributed with gloo",
    ),
]

SCRIPT = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
from faceparse.train.fit import fit
from faceparse.train.module import ParsingModule
from faceparse.train.settings import read_settings

def end(self):
    kept = {
        "state": self.network.state_dict(),
        "f1": float(self.trainer.callback_metrics["val/mean_f1"]),
        "pixels": int(self._confusion.matrix.sum()),
        "steps": self.trainer.global_step,
    }
    torch.save(kept, Path(sys.argv[1]) / f"rank{self.global_rank}.pt")

ParsingModule.on_train_end = end
fit(read_settings(sys.argv[2:]))
"""


def run(folder: Path, root: Path, processes: int, *more: str) -> list[dict[str, Any]]:
    """Train; what each process had at the end."""
    out = folder / f"of{processes}"
    out.mkdir()
    (folder / "run.py").write_text(SCRIPT)
    words = [
        "--recipe", "default", "--data.root", str(root), "--data.scheme", "celebamask19", "--data.workers", "0",
        "--output", str(out / "run"), "--batch_size", str(4 // processes), "--sizes", "[[0, 64]]",
        "--epochs", "2", "--rare", "0", "--tensorboard", "false", "--trainer.precision", "32-true",
        "--trainer.accelerator", "cpu", "--trainer.devices", str(processes),
        "--trainer.strategy", "ddp" if processes > 1 else "auto", "--trainer.enable_progress_bar", "false", *more,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(folder / "run.py"), str(out), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [torch.load(out / f"rank{r}.pt", weights_only=True) for r in range(processes)]


@pytest.mark.slow
def test_frozen_norms_and_plain_cross_entropy_end_at_one_process_s_weights(tmp_path: Path) -> None:
    root = make_faces(tmp_path / "faces", 10)
    plain = ["--optimizer.frozen_norm", "true", "--optimizer.name", "sgd", "--optimizer.learning_rate", "0.01",
             "--loss.dice", "0", "--ema", "0", "--augmentation.scale", "[1, 1]", "--augmentation.rotate", "0",
             "--augmentation.shift", "0"]  # fmt: skip
    (one,) = run(tmp_path, root, 1, *plain)
    two = run(tmp_path, root, 2, *plain)
    assert one["steps"] == two[0]["steps"] == 4
    for key, value in one["state"].items():
        torch.testing.assert_close(two[0]["state"][key], value, rtol=1e-4, atol=1e-6, msg=key)


def test_with_the_full_recipe_the_processes_agree(tmp_path: Path) -> None:
    """Batch norms, Dice and the moving average included; each validation picture is counted once."""
    root = make_faces(tmp_path / "faces", 10)
    (root / "val.txt").write_text("2\n3\n4\n")  # an odd number: one process has one more
    a, b = run(tmp_path, root, 2)
    assert a["f1"] == b["f1"]
    assert a["pixels"] == b["pixels"] == 3 * 64 * 64
    for key, value in a["state"].items():
        assert torch.equal(value, b["state"][key]), key
