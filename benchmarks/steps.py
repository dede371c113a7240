"""Where a picture's milliseconds go: the parser's steps one by one, in CPU time of one thread.

    python benchmarks/steps.py [--model default] [--pictures 10] [--side 1024] [--rounds 5]

Each picture is taken several times, and the least counts: CPU time, unlike time on the clock, is little touched by what
else the machine does, and its least even less.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from faceparse.engines import open_engine
from faceparse.faces import YuNet
from faceparse.faces.looks import plan
from faceparse.pictures import read_picture
from faceparse.results import Parsing
from faceparse.writers import writers


class Steps:
    """The least CPU milliseconds of each step of a picture, in the order in which steps came."""

    def __init__(self) -> None:
        self.least: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.least[name] = min(self.least.get(name, math.inf), 1e3 * (time.thread_time() - began))


def measure(model: str, pictures: list[Path], output: Path, rounds: int = 5) -> dict[str, float]:
    """CPU milliseconds a picture by step: those of `Parser.parse`, then the writers of mask and overlay."""
    cv2.setNumThreads(1)
    engine, detector = open_engine(model, threads=1), YuNet()
    card, chosen = engine.card, writers(["mask", "overlay"])
    engine.run(
        {"image": card.input.normalise(np.zeros((*card.input.size, 3), np.uint8))}
    )  # the first is slower

    def take(path: Path, steps: Steps) -> None:
        with steps.step("read and decode"):
            image = read_picture(path)
        with steps.step("find faces"):
            planned = plan(detector.detect(image), image.shape[:2], "auto")
        with steps.step("crop and resize"):
            crops = [look.crop(image, card.input) for look in planned.looks]
        with steps.step("normalise"):
            inputs = [card.input.normalise(crop) for crop in crops]
        with steps.step("network"):
            logits = [engine.run({"image": one})["logits"][0] for one in inputs]
        with steps.step("views"):
            looks = zip(planned.looks, logits, strict=True)
            views = tuple(look.view(one, card, image.shape[:2]) for look, one in looks)
            parsing = Parsing(image, views, card.label_scheme)
        with steps.step("labels at full size"):
            _ = parsing.labels
        for name, writer in chosen.items():
            with steps.step(f"write {name}"):
                writer.write(parsing, output / path.stem)

    total: dict[str, float] = defaultdict(float)
    for path in pictures:
        steps = Steps()
        for _ in range(rounds):
            take(path, steps)
        for name, least in steps.least.items():
            total[name] += least
    return {name: total[name] / len(pictures) for name in total}


def table(columns: dict[str, dict[str, float]]) -> str:
    """Steps down, models across, as Markdown."""
    names = list(next(iter(columns.values())))
    rows = [f"| CPU ms a picture | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name in names:
        rows.append(f"| {name} | {' | '.join(f'{c[name]:.1f}' for c in columns.values())} |")
    rows.append(f"| together | {' | '.join(f'{sum(c.values()):.1f}' for c in columns.values())} |")
    return "\n".join(rows)


def main() -> None:
    from pictures import make_pictures

    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", action="append", help="Model id or file; may be given several times.")
    options.add_argument("--pictures", type=int, default=10)
    options.add_argument("--side", type=int, default=1024)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="faceparse-benchmark-") as folder:
        source, output = Path(folder, "in"), Path(folder, "out")
        source.mkdir()
        output.mkdir()
        make_pictures(source, chosen.pictures, chosen.side)
        models = chosen.model or ["default"]
        print(
            table({Path(m).stem: measure(m, sorted(source.iterdir()), output, chosen.rounds) for m in models})
        )


if __name__ == "__main__":
    main()
