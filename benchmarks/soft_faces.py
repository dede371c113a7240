"""Whether the face stays where a picture is small or soft: its mask there against the sharp picture's.

    python benchmarks/soft_faces.py [--model default] [--faces auto] [--data.root ../shared/data/celebamask5k]

The sample photo and, where the data set is, twenty portraits of its validation part spread evenly. Each is parsed sharp
at its full size; then reduced so that its longer side is 512, 256, 128 and 96 px, and blurred by 1, 2 and 4 px at
512 px. The mask of the group `face` is compared with the sharp one, brought to the same size: intersection over union.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse import Parser
from faceparse.data import open_dataset
from faceparse.data.derived import Subset
from faceparse.evaluate import degradation
from faceparse.pictures import read_picture

ROOT = Path(__file__).parents[1]
SIZES, SIGMAS = (512, 256, 128, 96), (1, 2, 4)


def conditions(picture: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """The picture reduced and blurred, by name."""
    made = {f"{side} px": reduced(picture, side) for side in SIZES}
    return made | {f"blur {sigma}": degradation(f"blur{sigma}")(picture) for sigma in SIGMAS}


def reduced(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with its longer side at `side` px, or as it is where that is no smaller."""
    scale = min(1, side / max(picture.shape[:2]))
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def face_ious(parser: Parser, picture: NDArray[np.uint8]) -> dict[str, float]:
    """Intersection over union with the sharp face mask, 0 to 1, by condition; NaN where both are empty."""
    sharp = parser.parse(picture).mask("face").astype(np.float32)
    ious = {}
    for name, changed in conditions(picture).items():
        wanted = cv2.resize(sharp, changed.shape[1::-1], interpolation=cv2.INTER_AREA) >= 0.5
        mask = parser.parse(changed).mask("face")
        union = np.count_nonzero(mask | wanted)
        ious[name] = np.count_nonzero(mask & wanted) / union if union else np.nan
    return ious


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--model", default="default")
    options.add_argument("--faces", default="auto")
    options.add_argument(
        "--data.root", dest="root", type=Path, default=ROOT.parent / "shared/data/celebamask5k"
    )
    options.add_argument("--pictures", type=int, default=20)
    given = options.parse_args()
    parser = Parser(given.model, faces=given.faces)
    sample = face_ious(parser, read_picture(ROOT / "examples" / "collins.jpg"))
    portraits = []
    if given.root.is_dir():
        dataset = open_dataset("folder", given.root, "val", "maskgan19")
        portraits = [face_ious(parser, one.image) for one in Subset(dataset, given.pictures)]
    table = np.array([list(ious.values()) for ious in (sample, *portraits)])
    print(f"{parser.card.name}: IoU of the face mask with the sharp picture's; {len(portraits)} portraits")
    print(f"{'':8} sample  median  least")
    for name, column in zip(sample, table.T, strict=True):
        print(f"{name:8} {column[0]:6.3f}  {np.nanmedian(column):6.3f}  {np.nanmin(column):5.3f}")
    print(f"median of all {np.nanmedian(table):.3f}, at 96 px {np.nanmedian(table[:, SIZES.index(96)]):.3f}")


if __name__ == "__main__":
    main()
