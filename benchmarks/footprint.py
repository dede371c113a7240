"""Peak memory and start-up of the command, each in a process of its own.

python benchmarks/footprint.py PHOTO|FOLDER [--model default]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

MEASURE = "--measure"


class Footprint(NamedTuple):
    """Seconds on the clock, and the most memory in use at a time, MB."""

    seconds: float
    peak: float


def run(*words: object) -> Footprint:
    """`faceparse WORDS` in a process of its own."""
    # By way of a small process: a child's peak memory begins with that of the process that started it.
    command = [sys.executable, __file__, MEASURE, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"faceparse {' '.join(map(str, words))} ended with {done.returncode}")
    return Footprint(*map(float, done.stdout.split()))


def measure(words: list[str]) -> None:
    """Print the seconds and megabytes of `faceparse WORDS`."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "faceparse", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is bytes there, KiB elsewhere
    print(seconds, usage.ru_maxrss * unit / 1e6)
    sys.exit(child.returncode)


def parse(model: str, source: Path) -> Footprint:
    """`faceparse parse` of a picture or a folder, masks and overlays written."""
    with tempfile.TemporaryDirectory(prefix="faceparse-benchmark-") as folder:
        return run("parse", source, "-o", folder, "--model", model)


def main() -> None:
    if sys.argv[1:2] == [MEASURE]:
        measure(sys.argv[2:])
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("source", type=Path)
    options.add_argument("--model", default="default")
    chosen = options.parse_args()
    print(f"faceparse --help: {min(run('--help').seconds for _ in range(3)):.2f} s")
    found = parse(chosen.model, chosen.source)
    print(f"faceparse parse {chosen.source}: {found.seconds:.2f} s, at most {found.peak:.0f} MB")


if __name__ == "__main__":
    main()
