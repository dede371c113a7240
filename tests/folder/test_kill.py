"""A run killed at any moment, or without room, loses nothing but its pictures in flight, and leaves no partial file to be seen."""

import os
import random
import shutil
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
    return [str(word) for word in (*words, "--save", "mask,parts,rle")]


def finish(photos: Path, out: Path, model: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(command(photos, out, model))
    assert not left.value.code  # None is success too


def shown(out: Path) -> dict[str, bytes]:
    """The files that can be seen."""
    return {name: data for name, data in tree(out).items() if not Path(name).name.startswith(".")}


@pytest.fixture(scope="module")
def wanted(photos: Path, tmp_path_factory: pytest.TempPathFactory, tiny_path: Path) -> dict[str, bytes]:
    """What a run makes that nothing befalls."""
    out = tmp_path_factory.mktemp("wanted")
    finish(photos, out, tiny_path)
    files = tree(out)
    assert len(files) > 400  # three forms, one of them with several files
    assert "annotations.json" in files
    return files


TWENTY = random.Random(16).choices(range(1, 150), k=20)


@pytest.mark.parametrize(
    "moments",
    [(1, 2, 4, 9, 30, 77, 160), pytest.param(TWENTY, marks=pytest.mark.slow)],
    ids=["few", "twenty"],
)
def test_kill_and_rerun(
    photos: Path, tmp_path: Path, tiny_path: Path, wanted: dict[str, bytes], moments: list[int]
) -> None:
    out, done = tmp_path / "out", 0
    for moment in moments:
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(moment), *command(photos, out, tiny_path)],
            capture_output=True,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        left = shown(out)
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


def test_two_runs_at_once(photos: Path, tmp_path: Path, tiny_path: Path, wanted: dict[str, bytes]) -> None:
    words = [sys.executable, "-m", "faceparse", *command(photos, tmp_path / "out", tiny_path)]
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(running.communicate()[1], running.returncode) for running in both]
    assert 0 in [code for _, code in ends]  # both, where the second began when the first had ended
    assert all(code == 0 or (code == 1 and b"another run" in line) for line, code in ends)
    assert tree(tmp_path / "out") == wanted


# Inside a namespace of its own, in which the output folder is a small disk.
ON_A_DISK = """
set -e
export OUT="$1" COPY="$2" SIZE="$3" WAY="$4"; shift 4
mkdir -p "$OUT"
mount -t tmpfs -o "size=$SIZE" tmpfs "$OUT" || exit 99
if [ "$WAY" = "read-only" ]; then "$@" --fail-fast --max-pixels 1 || true; mount -o remount,ro "$OUT"; fi
set +e
"$@"; echo "code $?"
set -e
cp -a "$OUT" "$COPY/first"
mount -o remount,rw,size=64m "$OUT"
set +e
"$@"; echo "code $?"
cp -a "$OUT" "$COPY/second"
"""


@pytest.mark.parametrize(
    ("size", "way"),
    [
        ("8k", "full"),
        ("400k", "full"),
        ("1m", "read-only"),
        *(pytest.param(f"{4 * pages}k", "full", marks=pytest.mark.slow) for pages in range(3, 120, 6)),
    ],
)
def test_a_disk_without_room(
    photos: Path, tmp_path: Path, tiny_path: Path, wanted: dict[str, bytes], size: str, way: str
) -> None:
    if not shutil.which("unshare"):
        pytest.skip("no namespaces here")
    out = tmp_path / "out"
    words = [sys.executable, "-m", "faceparse", *command(photos, out, tiny_path)]
    shell = ["unshare", "-rm", "sh", "-c", ON_A_DISK, "sh", out, tmp_path, size, way, *words]
    ran = subprocess.run(list(map(str, shell)), capture_output=True, text=True, check=False)
    if ran.returncode == 99 or "unshare" in ran.stderr:
        pytest.skip("no namespaces here")
    assert ran.stdout.count("code 1\n") == 1, ran
    assert ran.stdout.endswith("code 0\n"), ran
    assert "Traceback" not in ran.stderr
    assert ("not writable" if way == "read-only" else "No space left on device") in ran.stderr
    left = shown(tmp_path / "first")
    assert left.items() <= wanted.items()
    assert tree(tmp_path / "second") == wanted
