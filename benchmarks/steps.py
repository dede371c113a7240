"""Where a picture's milliseconds go: the parser's steps one by one, in CPU time of one thread.

    python benchmarks/steps.py [--model default] [--pictures 10] [--side 1024]

CPU time, unlike time on the clock, is hardly touched by what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from faceparse.results import Parsing
from faceparse.runtime import read_picture
from faceparse.runtime.engines import open_engine
from faceparse.runtime.faces import YuNet
from faceparse.runtime.faces.plan import plan
from faceparse.writers import writers


class Steps:
    """CPU milliseconds by step, in the order in which steps came."""

    def __init__(self) -> None:
        self.total: dict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.total[name] += 1e3 * (time.thread_time() - began)


def measure(model: str, pictures: list[Path], output: Path) -> dict[str, float]:
    """CPU milliseconds a picture by step: those of `Parser.parse`, then the writers of mask and overlay."""
    cv2.setNumThreads(1)
    engine, detector = open_engine(model, threads=1), YuNet()
    card, chosen = engine.card, writers(["mask", "overlay"])
    engine.run(
        {"image": card.input.normalise(np.zeros((*card.input.size, 3), np.uint8))}
    )  # the first is slower
    steps = Steps()
    for path in pictures:
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
    return {name: total / len(pictures) for name, total in steps.total.items()}


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
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="faceparse-benchmark-") as folder:
        source, output = Path(folder, "in"), Path(folder, "out")
        source.mkdir()
        output.mkdir()
        make_pictures(source, chosen.pictures, chosen.side)
        models = chosen.model or ["default"]
        print(table({Path(m).stem: measure(m, sorted(source.iterdir()), output) for m in models}))


if __name__ == "__main__":
    main()
