"""A run killed at any moment loses nothing but its pictures in flight, and leaves no partial file to be seen."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.cli.main import main
from tests.folder.conftest import tree

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")

# The command, killed by itself after so many steps of writing: each file and each line of the manifest is
# written in halves, and each of these, and each renaming, is a step.
KILLED = """
import os, pathlib, signal, sys, threading

left, turn = [int(sys.argv[1])], threading.Lock()

def step():
    with turn:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def in_halves(write):
    def halves(file, data):
        half = len(data) // 2
        if isinstance(file, int):
            written = write(file, data[:half])
            step()
            return written + write(file, data[half:])
        write(file, data[:half])
        step()
        return write(file, data)
    return halves

def between(replace):
    def replaced(self, target):
        step()
        found = replace(self, target)
        step()
        return found
    return replaced

os.write = in_halves(os.write)
pathlib.Path.write_bytes = in_halves(pathlib.Path.write_bytes)
pathlib.Path.replace = between(pathlib.Path.replace)

from faceparse.cli.main import main
main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, collins_path: Path) -> Path:
    """A hundred small pictures in folders."""
    root = tmp_path_factory.mktemp("photos")
    with Image.open(collins_path) as image:
        small = np.asarray(image.resize((48, 48)))
    for i in range(100):
        path = root / f"{i % 3}" / f"{i:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.roll(small, i, 1)).save(path)
    return root


def command(photos: Path, out: Path, model: Path) -> list[str]:
    words = ["parse", photos, "-o", out, "--recursive", "--model", model, "--faces", "whole", "--jobs", "3"]
    return [str(word) for word in words]


def finish(photos: Path, out: Path, model: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(command(photos, out, model))
    assert not left.value.code  # None is success too


def test_kill_and_rerun(photos: Path, tmp_path: Path, tiny_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    finish(photos, whole, tiny_path)
    wanted = tree(whole)
    assert len(wanted) == 200
    done = 0
    for moment in (1, 2, 4, 9, 30, 31, 77, 120):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(moment), *command(photos, out, tiny_path)],
            capture_output=True,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        left = {name: data for name, data in tree(out).items() if not Path(name).name.startswith(".")}
        assert left.items() <= wanted.items()  # what can be seen is whole
        assert len(left) >= done  # and nothing that was there is lost
        done = len(left)
    assert 0 < done < len(wanted)
    finish(photos, out, tiny_path)
    assert tree(out) == wanted  # nothing hidden either


def test_a_rerun_after_a_kill_does_not_start_over(photos: Path, tmp_path: Path, tiny_path: Path) -> None:
    words = [sys.executable, "-m", "faceparse", *command(photos, tmp_path, tiny_path), "--log", "-"]
    first = subprocess.Popen(words, stdout=subprocess.PIPE, env=dict(os.environ, PYTHONUNBUFFERED="1"))
    assert first.stdout
    lines = [first.stdout.readline() for _ in range(40)]
    first.kill()
    lines += first.stdout.readlines()
    first.wait()
    first.stdout.close()
    reported = sum(b'"written"' in line for line in lines)
    again = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    skipped = sum(b'"skipped", "reason"' in line or b'"status": "skipped"' in line for line in again)
    assert reported >= 39
    assert reported <= skipped + 1  # a last line may say less than was done
    assert skipped < 100
