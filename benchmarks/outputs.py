"""What each output form costs: time, memory and bytes, and the two on the way of every picture against their former ways.

    python benchmarks/outputs.py [--side 1024] [--large 4000x3000] [--rounds 20] [--forms mask,soft]

Prints, for the sample portrait at two sizes, per form: processor time (the best of the rounds; one thread), the
peak of the memory that NumPy and Python allocate while it is written (tracemalloc; the picture and its labels
are there before), files and bytes. Then masks and overlays side by side: through Pillow, and as they are written.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import faceparse
from faceparse.results import Parsing
from faceparse.writers import WRITERS, writers
from faceparse.writers.jpeg import QUALITY, write_jpeg
from faceparse.writers.png import write_png

SAMPLE = Path(__file__).parents[1] / "examples" / "collins.jpg"


def parsed(width: int, height: int) -> Parsing:
    """The sample portrait at another size, its labels drawn."""
    with Image.open(SAMPLE) as file:
        picture = np.asarray(file.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))
    parsing = faceparse.parse(picture)
    assert parsing.labels.size
    return parsing


def best(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of processor time, the least of the rounds."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1000 * min(times)


def peak(work: Callable[[], object]) -> float:
    """Megabytes allocated on top of what is there."""
    tracemalloc.start()
    work()
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top / 1e6


def costs(parsing: Parsing, forms: list[str], folder: Path, rounds: int) -> None:
    height, width = parsing.size
    print(f"{width} × {height}:")
    print(f"{'form':10} {'ms':>9} {'peak MB':>9} {'files':>6} {'kB':>9}")
    for name, writer in writers(forms).items():
        stem = folder / name
        paths = writer.write(parsing, stem)
        size = sum(p.stat().st_size for p in paths) / 1000
        took = best(lambda w=writer, s=stem: w.write(parsing, s), rounds)
        top = peak(lambda w=writer, s=stem: w.write(parsing, s))
        print(f"{name:10} {took:9.1f} {top:9.1f} {len(paths):6} {size:9.0f}")


def png_through_pillow(parsing: Parsing, path: Path) -> None:
    """A mask as Pillow writes it with run lengths alone."""
    picture = Image.fromarray(parsing.labels)
    picture.putpalette(parsing.scheme.palette.tobytes())
    picture.save(path, "PNG", compress_type=zlib.Z_RLE)


def jpeg_through_pillow(drawn: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(drawn.copy()).save(path, "JPEG", quality=QUALITY)


def side_by_side(parsing: Parsing, folder: Path, rounds: int) -> None:
    drawn = parsing.overlay()
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "mask": (
            lambda: png_through_pillow(parsing, folder / "pillow.png"),
            lambda: write_png(folder / "ours.png", parsing.labels, parsing.scheme.palette),
        ),
        "overlay": (
            lambda: jpeg_through_pillow(drawn, folder / "pillow.jpg"),
            lambda: write_jpeg(folder / "ours.jpg", drawn.copy()),
        ),
    }
    print(f"{'':10} {'Pillow ms':>9} {'now ms':>9} {'ratio':>9}")
    for name, (former, now) in pairs.items():
        before, after = best(former, 3 * rounds), best(now, 3 * rounds)
        print(f"{name:10} {before:9.2f} {after:9.2f} {before / after:9.2f}")
    same = (folder / "pillow.jpg").read_bytes() == (folder / "ours.jpg").read_bytes()
    print(f"the overlay's bytes are {'the same' if same else 'not the same'}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--side", type=int, default=1024)
    options.add_argument("--large", default="4000x3000")
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--forms", default=",".join(WRITERS))
    chosen = options.parse_args()
    cv2.setNumThreads(1)
    forms = chosen.forms.split(",")
    width, height = map(int, chosen.large.split("x"))
    with tempfile.TemporaryDirectory(prefix="faceparse-outputs-") as name:
        folder = Path(name)
        small = parsed(chosen.side, chosen.side)
        costs(small, forms, folder, chosen.rounds)
        costs(parsed(width, height), forms, folder, max(1, chosen.rounds // 10))
        side_by_side(small, folder, chosen.rounds)


if __name__ == "__main__":
    main()
