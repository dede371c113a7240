"""Edits: do colours arrive, does the rest stay, are hidden faces hidden, and what it costs.

    python benchmarks/edits.py [--shared ../shared/data/celebamask5k] [--faces 100] [--megapixels 1,12] [--only speed]

- hair in four colours, on hair that was dark, brown, blonde or grey, by its own mean colour: distance of the mean colour to the one asked for
  (ΔE, CIELAB) and rank correlation of lightness before and after (Spearman), where the mask is above 0.95;
- each edit: largest difference outside its region;
- composites with a known alpha (of benchmarks/edges.py): mean difference from the edit under the true alpha in a band of 16 px, under the soft
  mask and under the hard one;
- faces that the detector finds after `anonymise`; correlation of the eyes' fine structure with the original;
- milliseconds an edit on one thread, its mask included, the best of three: a portrait that fills the picture, and one that is a
  quarter of its sides;
- a folder with three edits against `parse --save overlay`, in turns; the best of the rounds.

Takes about four minutes on two cores; `--faces 10 --rounds 1` is a short look.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import edges
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import faceparse
from faceparse.cli.process import tune_process
from faceparse.edits import EDITS, Canvas, Edit, make_edit, read_edit
from faceparse.edits.colour import rgb, to_linear, to_oklab
from faceparse.edits.files import EditedPicture
from faceparse.edits.kinds.anonymise import MODES
from faceparse.faces import YuNet
from faceparse.folder import Run, find_jobs
from faceparse.labels import scheme
from faceparse.pictures import read_picture
from faceparse.results import Parsing, View
from faceparse.writers import writers
from pictures import make_pictures

COLOURS = ("#141414", "#5a3a22", "#e6c88a", "#b0b0b0")
VALUES = {
    "hair": "hair=#a0522d",
    "lips": "lips=#b0103a",
    "brows": "brows=#201008",
    "background": "background=#2f6f8f",
}
BEHIND = make_edit("background", "blur")
THREE = ("hair=#a0522d", "lips=#b0103a", "soften")
Floats = NDArray[np.float32]


def portraits(shared: Path, count: int) -> Iterator[Parsing]:
    """Parsings of the sample and of val.txt's photos."""
    parser = faceparse.Parser()
    paths = [edges.SAMPLE]
    if (shared / "val.txt").exists():
        names = (shared / "val.txt").read_text(encoding="utf-8").split()
        paths += [shared / "images" / f"{Path(name).stem}.jpg" for name in names[: count - 1]]
    for path in paths:
        yield parser.parse(read_picture(path))


def lab(pixels: NDArray[np.uint8]) -> Floats:
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def rank_correlation(a: Floats, b: Floats) -> float:
    def ranks(values: Floats) -> NDArray[np.float64]:
        _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
        return np.asarray((np.cumsum(count) - (count - 1) / 2)[inverse])

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def kind_of_hair(colour: Floats) -> str:
    """By the mean colour, CIELAB."""
    lightness, chroma = float(colour[0]), float(np.hypot(*colour[1:]))
    if lightness < 25:
        return "dark"
    if chroma < 9:
        return "grey"
    return "brown" if lightness < 45 else "blonde"


def hair_colours(parsings: list[Parsing]) -> None:
    found = defaultdict[tuple[str, str], list[tuple[float, float]]](list)
    for one in parsings:
        sure = one.mask("hair", soft=True) > 0.95
        if sure.sum() < 2000:
            continue
        kind = kind_of_hair(lab(one.image)[sure].mean(0))
        for colour in COLOURS:
            edited = faceparse.edit(one, [("hair", colour)])
            distance = np.linalg.norm(lab(edited)[sure].mean(0) - lab(rgb(colour)[None, None])[0, 0])
            old, new = (to_oklab(to_linear(v[sure]))[:, 0] for v in (one.image, edited))
            found[kind, colour].append((float(distance), rank_correlation(old, new)))
    print("hair that was, in colour: pictures, ΔE of means median and worst, Spearman median and worst")
    for (kind, colour), values in sorted(found.items()):
        far, order = np.array(values).T
        print(
            f"  {kind:7} {colour}: {len(far):3}  {np.median(far):5.2f} {far.max():5.2f}  {np.median(order):.3f} {order.min():.3f}"
        )


def outside(parsings: list[Parsing]) -> None:
    print("largest difference outside an edit's region (background: inside the person)")
    for name, kind in EDITS.items():
        if name == "anonymise":
            continue
        worst = 0
        for one in parsings:
            edited = faceparse.edit(one, [read_edit(VALUES.get(name, name))])
            mask = one.mask(kind.mask, soft=True)
            difference = np.abs(edited.astype(int) - one.image).max(-1)[mask == 0]
            worst = max(worst, int(difference.max(initial=0)))
        print(f"  {name:10} {worst}")


class GivenMask(Canvas):
    """A canvas on which every class has one mask."""

    given: Floats

    def soft(self, *names: str) -> Floats:
        return 1 - self.given if names == ("background",) else self.given


def composites(shared: Path, each: int) -> None:
    rng, errors = np.random.default_rng(0), defaultdict[str, list[tuple[float, float]]](list)
    to_grid = np.array([[1 / edges.CELL, 0, -0.5], [0, 1 / edges.CELL, -0.5]])
    for behind in edges.backgrounds(shared):
        for _ in range(each):
            alpha, front = edges.draw("hair", rng)
            image = np.rint(front + (1 - alpha[..., None]) * behind).astype(np.uint8)
            likely = np.clip(edges.area(alpha, edges.SIDE // edges.CELL), 1e-3, 1 - 1e-3)
            view = View(np.stack([np.log(1 - likely), np.log(likely)]), to_grid)
            one = Parsing(image, (view,), scheme("hair2"))
            edge = ((alpha > 0) & (alpha < 1)).astype(np.uint8)
            band = cv2.dilate(edge, np.ones((17, 17), np.uint8)) > 0
            for words in ("hair=#e6c88a", "hair=#5a3a22", "background=#2f6f8f"):
                made = []
                for mask in (alpha, one.mask("hair", soft=True), one.mask("hair").astype(np.float32)):
                    canvas = GivenMask(one)
                    canvas.given = mask
                    read_edit(words).apply(canvas)
                    made.append(canvas.pixels.astype(np.float32)[band])
                soft, hard = (float(np.abs(m - made[0]).mean()) for m in made[1:])
                errors[words].append((soft, hard))
    print("composites: mean difference from the edit under the true alpha, soft mask and hard mask, of 255")
    for words, values in errors.items():
        soft, hard = np.mean(values, 0)
        print(f"  {words:20} {soft:6.2f} {hard:6.2f}   ratio {soft / hard:.2f}  ({len(values)} composites)")


def hidden(parsings: list[Parsing]) -> None:
    detector = YuNet()
    print(
        "anonymise: pictures in which the detector still finds a face; correlation of the eyes' fine structure, highest"
    )
    for mode in MODES:
        counts = []
        for part in ("face", "head"):
            edited = (faceparse.edit(one, [("anonymise", mode, {"part": part})]) for one in parsings)
            counts.append(sum(bool(detector.detect(np.ascontiguousarray(image))) for image in edited))
        similar = [similarity(one, mode) for one in parsings if one.faces]
        print(
            f"  {mode:9} face {counts[0]}, head {counts[1]} of {len(parsings)}; eyes {max(similar):.2f}, median {np.median(similar):.2f}"
        )


def similarity(one: Parsing, mode: str) -> float:
    """Correlation of what a blur of a quarter eye width takes away, in both eyes of each face; 0 where nothing varies."""
    edited, values = faceparse.edit(one, [("anonymise", mode, {"part": "eyes"})]), [0.0]
    for face in one.faces:
        left, right = face.landmarks[:2]
        width = 0.35 * float(np.linalg.norm(right - left))
        for x, y in (left, right):
            box = (
                slice(max(0, int(y - width / 3)), int(y + width / 3) + 1),
                slice(max(0, int(x - width / 3)), int(x + width / 3) + 1),
            )
            fine = []
            for image in (one.image, edited):
                gray = image.mean(-1)
                fine.append((gray - cv2.GaussianBlur(gray, (0, 0), max(width / 4, 0.5)))[box].ravel())
            if fine[0].size > 8 and min(f.std() for f in fine) > 0.5:
                values.append(abs(float(np.corrcoef(*fine)[0, 1])))
    return max(values)


def costs(megapixels: list[float]) -> None:
    sample = Image.fromarray(read_picture(edges.SAMPLE))
    print(f"\n| milliseconds on one thread | {' | '.join(EDITS)} | three edits |")
    print("|---" * (len(EDITS) + 2) + "|")
    for size in megapixels:
        height = round((size * 1e6 * 3 / 4) ** 0.5)
        width = height * 4 // 3
        for part in (1, 4):
            picture = Image.new("RGB", (width, height), "#7f8f9f")
            portrait = sample.resize((width // part, height // part), Image.Resampling.BICUBIC)
            picture.paste(portrait, ((width - portrait.width) // 2, (height - portrait.height) // 2))
            one = faceparse.parse(np.asarray(picture))
            assert one.labels.size  # drawn once, for whoever asks first
            row = [
                best(lambda steps=steps, one=one: faceparse.edit(one, steps))
                for steps in (*([timed(name)] for name in EDITS), list(map(read_edit, THREE)))
            ]
            label = f"{width} × {height}, portrait {'as large' if part == 1 else 'a quarter of it'}"
            print(f"| {label} | {' | '.join(f'{took:.0f}' for took in row)} |")


def timed(name: str) -> Edit:
    return BEHIND if name == "background" else read_edit(VALUES.get(name, name))


def best(work: Callable[[], object]) -> float:
    """Milliseconds, the least of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1e3 * min(times)


def folders(count: int, rounds: int) -> None:
    forms = {
        "parse --save overlay": writers(["overlay"]),
        "edit, three edits": {"edit": EditedPicture(tuple(map(read_edit, THREE)))},
    }
    speeds = dict.fromkeys(forms, 0.0)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "in").mkdir()
        make_pictures(work / "in", count, 1024)
        parser = faceparse.Parser(threads=1)
        for number in range(rounds):
            for what, form in forms.items():
                out = work / f"{what[:5]}{number}"
                jobs, began = find_jobs([work / "in"], out, []), time.perf_counter()
                outcomes = list(Run(jobs, parser.parse, form, out, workers=parser.workers))
                assert all(o.status == "written" for o in outcomes)
                speeds[what] = max(speeds[what], count / (time.perf_counter() - began))
    for what, speed in speeds.items():
        print(f"{what}: {speed:.1f} pictures of 1024² a second")
    print(f"ratio {speeds['edit, three edits'] / speeds['parse --save overlay']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=edges.ROOT.parent / "shared" / "data" / "celebamask5k")
    parser.add_argument("--faces", type=int, default=100)
    parser.add_argument("--each", type=int, default=2, help="composites over each photo")
    parser.add_argument("--megapixels", default="1,12")
    parser.add_argument("--pictures", type=int, default=16, help="in the folder")
    parser.add_argument("--rounds", type=int, default=3, help="through the folder, of each kind")
    parser.add_argument("--only", choices=("quality", "speed"), help="half of the figures")
    options = parser.parse_args()
    tune_process()
    if options.only != "speed":
        parsings = list(portraits(options.shared, options.faces))
        hair_colours(parsings)
        outside(parsings[:20])
        composites(options.shared, options.each)
        hidden(parsings)
    if options.only != "quality":
        costs([float(size) for size in options.megapixels.split(",")])
        folders(options.pictures, options.rounds)


if __name__ == "__main__":
    main()
