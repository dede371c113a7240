"""Memory over many pictures: `faceparse parse FOLDER`'s own code on 10,000 small pictures.

    python benchmarks/memory.py [--pictures 10000] [--side 64] [--model default] [--faces auto] [--fake]

Prints the resident memory after each tenth of the pictures, and how far it grew from the first tenth to the last. Then a
rerun that skips all. `--fake` takes a network that costs nothing, where only the folder's own memory is in question.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from faceparse.cli.process import tune_process
from faceparse.engines import FakeEngine
from faceparse.folder import Run, find_jobs
from faceparse.parser import Parser
from faceparse.weights import card
from faceparse.writers import writers

PER_FOLDER = 1000


def make_pictures(folder: Path, count: int, side: int) -> None:
    """The sample portrait, squeezed, turned and lit differently, in folders of a thousand."""
    with Image.open(Path(__file__).parents[1] / "examples" / "collins.jpg") as file:
        sample = cv2.resize(np.asarray(file), (side, side), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    for i in range(count):
        inner = folder / f"{i // PER_FOLDER:03}"
        inner.mkdir(exist_ok=True)
        move = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(-6, 6), rng.uniform(0.9, 1.1))
        picture = cv2.warpAffine(sample, move, (side, side), borderMode=cv2.BORDER_REFLECT)
        Image.fromarray(cv2.convertScaleAbs(picture, alpha=rng.uniform(0.8, 1.15))).save(
            inner / f"{i:06}.jpg"
        )


def resident() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(parser: Parser, source: Path, output: Path, status: str) -> list[float]:
    """Resident memory after each tenth."""
    chosen = writers(["mask", "overlay"])
    endings = [e for w in chosen.values() for e in w.endings]
    jobs = find_jobs([source], output, endings, recursive=True)
    began, seen = time.perf_counter(), []
    print(f"{'found':>8} {len(jobs):7} pictures {resident():7.1f} MB")
    tune_process()
    made = Run(jobs, parser.parse, chosen, output, identity=parser.identity)
    for done, outcome in enumerate(made, 1):
        assert outcome.status == status, outcome.reason
        if done % max(1, len(jobs) // 10) == 0:
            seen.append(resident())
            print(f"{status:>8} {done:7} {seen[-1]:7.1f} MB {time.perf_counter() - began:7.1f} s", flush=True)
    return seen


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pictures", type=int, default=10_000)
    options.add_argument("--side", type=int, default=64)
    options.add_argument("--model", default="default")
    options.add_argument("--faces", default="auto")
    options.add_argument("--fake", action="store_true", help="A network that costs nothing.")
    chosen = options.parse_args()
    network = FakeEngine(card("bisenet-resnet18-zllrunning")) if chosen.fake else chosen.model
    parser = Parser(network, faces=chosen.faces, threads=1)
    with tempfile.TemporaryDirectory(prefix="faceparse-memory-") as folder:
        source, output = Path(folder, "in"), Path(folder, "out")
        source.mkdir()
        make_pictures(source, chosen.pictures, chosen.side)
        first, *_, last = run(parser, source, output, "written")
        print(f"growth from the first tenth to the last: {last - first:.1f} MB")
        run(parser, source, output, "skipped")


if __name__ == "__main__":
    main()
