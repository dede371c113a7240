"""How small a face may be: the share of faces with F1 of at least 80 by size, alone and in groups of six.

    python benchmarks/small_faces.py [--model default] [--faces 100] [--sizes 24,48,800] [--data.root ../shared/data/celebamask5k]

Portraits of the data set's validation part, spread evenly, are scaled so that the longer side of the detector's box
has that many pixels, and put on a plain canvas: one on 4:3 of at least 1280 pixels, or six in two rows. A face counts
where the F1 of its mask `face` is at least 80; its mean F1 over the label's classes is the second figure. Without the
data set: the sample portrait, its mask in the full-size photo being the truth. `largest` is for single faces.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse import Parser
from faceparse.data import open_dataset
from faceparse.data.derived import Subset
from faceparse.errors import NoFaceError
from faceparse.faces import YuNet
from faceparse.labels import conversion
from faceparse.pictures import read_picture
from faceparse.results import Parsing

ROOT = Path(__file__).parents[1]
SIZES = (24, 32, 48, 64, 96, 128, 200, 400, 800)
GROUP, ENOUGH, CANVAS = 6, 80.0, 1280
Image, Labels = NDArray[np.uint8], NDArray[np.uint8]
Portrait = tuple[Image, Labels, float]
"""A picture, its labels in the parser's scheme, and the size of its face in pixels."""


def portraits(parser: Parser, root: Path, count: int) -> list[Portrait]:
    """Portraits with one detected face."""
    pairs: Iterator[tuple[Image, Labels]]
    if root.is_dir():
        dataset = open_dataset("folder", root, "val", "maskgan19")
        table = conversion(dataset.scheme, parser.scheme).table
        pairs = (
            (one.image, table[one.labels]) for one in Subset(dataset, min(len(dataset), count + count // 5))
        )
    else:
        photo = read_picture(ROOT / "examples" / "collins.jpg")[0:300, 70:370]
        pairs = cycle([(photo, parser.parse(photo).labels)])
    detector = YuNet()
    faces = ((image, labels, detector.detect(image)) for image, labels in pairs)
    return list(islice(((i, k, d[0].size) for i, k, d in faces if len(d) == 1), count))


def scaled(portrait: Portrait, size: int) -> tuple[Image, Labels]:
    """A portrait with a face of that size: picture and labels."""
    image, labels, face = portrait
    scale = size / face
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind)
    shape = small.shape[1::-1]
    shares = [
        cv2.resize((labels == i).astype(np.float32), shape, interpolation=kind)
        for i in range(labels.max() + 1)
    ]
    return np.asarray(small, np.uint8), np.argmax(shares, 0).astype(np.uint8)


def composite(tiles: Sequence[tuple[Image, Labels]]) -> tuple[Image, list[tuple[slice, slice, Labels]]]:
    """One tile or six on a canvas, and where each is."""
    columns = 3 if len(tiles) > 1 else 1
    rows = len(tiles) // columns
    cell = int(1.15 * max(max(image.shape[:2]) for image, _ in tiles))
    width = max(CANVAS, cell * columns, -(-cell * rows * 4 // 3))
    height = max(width * 3 // 4, cell * rows)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = np.linspace(110, 190, height)[:, None, None].astype(np.uint8)
    places = []
    for i, (image, labels) in enumerate(tiles):
        row, column = divmod(i, columns)
        top = int((row + 0.5) * height / rows - image.shape[0] / 2)
        left = int((column + 0.5) * width / columns - image.shape[1] / 2)
        place = slice(top, top + image.shape[0]), slice(left, left + image.shape[1])
        canvas[place] = image
        places.append((*place, labels))
    return canvas, places


def f1_scores(parsing: Parsing, place: tuple[slice, slice, Labels]) -> tuple[float, float]:
    """F1 of the mask `face`, and mean F1 of the classes that the label has, 0 to 100."""
    rows, columns, true = place
    labels = parsing.labels[rows, columns]
    group = parsing.scheme.ids("face")
    classes = [i for i in np.unique(true) if i]
    scores = [f1(labels == i, true == i) for i in classes]
    return f1(np.isin(labels, group), np.isin(true, group)), float(np.mean(scores))


def f1(mask: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return 200 * np.count_nonzero(mask & true) / max(1, np.count_nonzero(mask) + np.count_nonzero(true))


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--model", default="default")
    options.add_argument(
        "--faces", type=int, default=102, help="Faces of each size; rounded down to groups of six."
    )
    options.add_argument("--sizes", default=",".join(map(str, SIZES)))
    options.add_argument(
        "--data.root", dest="root", type=Path, default=ROOT.parent / "shared/data/celebamask5k"
    )
    asked = options.parse_args(arguments)
    parsers = {mode: Parser(asked.model, faces=mode) for mode in ("auto", "each", "largest")}
    people = portraits(parsers["auto"], asked.root, asked.faces)
    print(
        f"{parsers['auto'].card.name}, {len(people)} faces a size: F1 >= {ENOUGH:.0f} / mean F1 / ms a picture"
    )
    for number in [n for n in (1, GROUP) if n <= len(people)]:
        print("\nalone" if number == 1 else f"\nin groups of {number}")
        modes = [mode for mode in parsers if number == 1 or mode != "largest"]
        print(f"{'px':>5}" + "".join(f"{mode:>24}" for mode in modes))
        for size in map(int, asked.sizes.split(",")):
            cells = []
            for mode in modes:
                scores, seconds, pictures = [], 0.0, 0
                for first in range(0, len(people) - number + 1, number):
                    canvas, places = composite([scaled(one, size) for one in people[first : first + number]])
                    began = time.perf_counter()
                    try:
                        parsing = parsers[mode].parse(canvas)
                        _ = parsing.labels
                    except NoFaceError:
                        parsing = Parsing(canvas, (), parsers[mode].scheme)
                    seconds, pictures = seconds + time.perf_counter() - began, pictures + 1
                    scores += [f1_scores(parsing, place) for place in places]
                face, mean = np.array(scores).T
                cells.append(
                    f"{100 * np.mean(face >= ENOUGH):6.0f} % {np.mean(mean):5.1f} {1000 * seconds / pictures:6.0f} ms"
                )
            print(f"{size:5}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
