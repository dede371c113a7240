"""Soft masks that follow the picture's edges: how near to a known alpha, and at what cost.

    python benchmarks/edges.py [--shared ../shared/data/celebamask5k] [--each 4] [--megapixels 12]

Composites of 512² over real photos, the sample portrait's and, where the folder is there, photos of its val.txt: a disk with drawn
strands of hair of 0.5 to 2.5 px, and plain disks. What a network would say at best is alpha's mean over cells of 4 × 4 pixels.
The figure is the mean absolute error in the band of two cells around those that are neither 0 nor 1: upsampled bilinearly,
as `mask(soft=True, edges=False)` does (logits, bilinearly), and with edges; then once more from JPEGs, and for
cut-outs put over white, blue and black, in levels of 255. Last the cost for the sample portrait enlarged, on one thread.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import faceparse
from faceparse.labels import scheme
from faceparse.pictures import read_picture
from faceparse.results import Parsing, View

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "examples" / "collins.jpg"
SIDE, CELL, FINE = 512, 4, 4
SHADES = (40, 28, 20), (110, 75, 45), (190, 160, 110), (25, 25, 28), (120, 50, 30)
Floats = NDArray[np.float32]


def backgrounds(shared: Path) -> Iterator[NDArray[np.uint8]]:
    paths = [SAMPLE]
    if (shared / "val.txt").exists():
        names = (shared / "val.txt").read_text(encoding="utf-8").split()[:9]
        paths += [shared / "images" / f"{name}.jpg" for name in names]
    for path in paths:
        picture = read_picture(path)
        side = min(picture.shape[:2])
        yield cv2.resize(picture[:side, :side], (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)


def draw(kind: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Alpha, 0 to 1, and the foreground's colour times alpha."""
    side = SIDE * FINE
    alpha, colour = np.zeros((side, side), np.uint8), np.zeros((side, side, 3), np.uint8)
    base = np.array(SHADES[rng.integers(len(SHADES))] if kind == "hair" else rng.integers(0, 256, 3))
    colour[:] = base
    middle, radius = rng.uniform(0.4, 0.6, 2) * side, rng.uniform(0.2, 0.28) * side
    cv2.circle(alpha, middle.astype(int).tolist(), int(radius), 255, -1)
    strands = int(rng.integers(150, 400)) if kind == "hair" else 0
    for _ in range(strands):
        angle, bend, slant = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.5), rng.normal(0, 0.6)
        way = angle + slant + 2 * bend * np.linspace(0, 1, 24)
        step = radius * rng.uniform(0.15, 0.7) / 24
        root = middle + 0.95 * radius * np.array([np.cos(angle), np.sin(angle)])
        strand = root + step * np.cumsum(np.stack([np.cos(way), np.sin(way)], 1), 0)
        line = [strand.round().astype(np.int32)]
        shade = np.clip(base + rng.normal(0, 12) + rng.normal(0, 4, 3), 0, 255).tolist()
        width = int(rng.integers(2, 11))
        cv2.polylines(alpha, line, False, 255, width)
        cv2.polylines(colour, line, False, shade, width)
    for _ in range(2 * strands):  # within, where alpha is 1
        start, way = middle + rng.normal(0, 0.5 * radius, 2), rng.uniform(0, 2 * np.pi)
        end = start + 0.5 * radius * np.array([np.cos(way), np.sin(way)])
        shade = np.clip(base + rng.normal(0, 12) + rng.normal(0, 4, 3), 0, 255).tolist()
        cv2.line(
            colour, start.astype(int).tolist(), end.astype(int).tolist(), shade, int(rng.integers(4, 12))
        )
    covered = alpha.astype(np.float32) / 255
    return area(covered, SIDE), area(colour * covered[..., None], SIDE)


def area(picture: Floats, side: int) -> Floats:
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def compare(kind: str, shared: Path, each: int) -> None:
    """Print the errors on the composites of one kind."""
    rng, errors = np.random.default_rng(0), defaultdict[str, list[float]](list)
    to_grid = np.array([[1 / CELL, 0, -0.5], [0, 1 / CELL, -0.5]])
    for background in backgrounds(shared):
        for _ in range(each):
            alpha, front = draw(kind, rng)
            image = np.rint(front + (1 - alpha[..., None]) * background).astype(np.uint8)
            coarse = area(alpha, SIDE // CELL)
            mixed = ((coarse > 0) & (coarse < 1)).astype(np.uint8)
            near = cv2.dilate(mixed, np.ones((5, 5), np.uint8)).repeat(CELL, 0).repeat(CELL, 1) > 0
            likely = np.clip(coarse, 1e-3, 1 - 1e-3)
            view = View(np.stack([np.log(1 - likely), np.log(likely)]), to_grid)
            coded = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 1)
            one, jpeg = (Parsing(i, (view,), scheme("hair2")) for i in (image, np.asarray(coded, np.uint8)))
            masks = {
                "bilinear": cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR),
                "edges=False": one.mask("hair", soft=True, edges=False),
                "edges": one.mask("hair", soft=True),
                "edges, from JPEG": jpeg.mask("hair", soft=True),
            }
            for name, mask in masks.items():
                errors[name].append(float(np.abs(mask - alpha)[near].mean()))
            for name, follow in (("cut-out, edges=False", False), ("cut-out", True)):
                cut = one.cutout("hair", edges=follow)
                opacity = cut[..., 3:] / 255
                away = [
                    np.abs(
                        opacity * cut[..., :3] + (1 - opacity) * over - front - (1 - alpha[..., None]) * over
                    )[near].mean()
                    for over in ((255, 255, 255), (30, 60, 200), (0, 0, 0))
                ]
                errors[name].append(float(np.mean(away)))
    print(f"{kind}: {len(errors['edges'])} composites")
    for name, values in errors.items():
        base = errors["cut-out, edges=False" if name.startswith("cut-out") else "bilinear"]
        print(f"  {name:22} {np.mean(values):8.4f}   1/{np.mean(base) / np.mean(values):.2f}")


def costs(megapixels: float) -> None:
    """Print seconds of processor time and megabytes allocated, for the portrait enlarged."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    picture = Image.fromarray(read_picture(SAMPLE)).resize(
        (height * 4 // 3, height), Image.Resampling.BICUBIC
    )
    one = faceparse.parse(np.asarray(picture))
    person = tuple(c for c in one.scheme.classes if c != "background")
    works: dict[str, Callable[[bool], object]] = {
        "mask('hair', soft=True)": lambda follow: one.mask("hair", soft=True, edges=follow),
        "cutout(person)": lambda follow: one.cutout(person, edges=follow),
    }
    print(f"{picture.width} × {picture.height}, one thread:")
    for name, work in works.items():
        for follow in (False, True):
            began = time.process_time()
            work(follow)
            seconds = time.process_time() - began
            tracemalloc.start()
            work(follow)
            peak = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
            print(f"  {name:24} edges={follow!s:6} {seconds:6.2f} s {peak:7.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data" / "celebamask5k")
    parser.add_argument("--each", type=int, default=4, help="composites of each kind over each photo")
    parser.add_argument("--megapixels", type=float, default=12)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for kind in ("hair", "disk"):
        compare(kind, options.shared, options.each)
    costs(options.megapixels)


if __name__ == "__main__":
    main()
