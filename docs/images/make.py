"""The pictures of README and docs, from the sample portrait and the model in the box.

python docs/images/make.py [FOLDER]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import faceparse
from faceparse.draw import panel

HERE = Path(__file__).parent


def main() -> None:
    """Write collins.jpg (picture, labels, overlay), two.jpg (two tilted portraits, and their overlay), recoloured.jpg."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    examples = HERE.parents[1] / "examples"
    sample = np.asarray(Image.open(examples / "collins.jpg").convert("RGB"))
    parser = faceparse.Parser()
    Image.fromarray(panel(parser.parse(sample))).save(folder / "collins.jpg", quality=92)
    two = np.concatenate([tilted(sample, 22, 1.7), tilted(sample[:, ::-1], -25, 1.45)], axis=1)
    parsing = parser.parse(two)
    pair = np.concatenate([two, np.asarray(parsing.overlay())], axis=1)
    Image.fromarray(pair).resize((1400, 350), Image.Resampling.LANCZOS).save(folder / "two.jpg", quality=90)
    made_up = folder / "made-up.png"
    words = [str(examples / "recolour.py"), str(examples / "collins.jpg"), str(made_up)]
    subprocess.run([sys.executable, *words, "lips=b0103a", "hair=6a1fb0"], check=True)
    heads = [image[:256, 96:352] for image in (sample, np.asarray(Image.open(made_up)))]
    made_up.unlink()
    pair = Image.fromarray(np.concatenate(heads, axis=1)).resize((768, 384), Image.Resampling.LANCZOS)
    pair.save(folder / "recoloured.jpg", quality=88)


def tilted(image: NDArray[np.uint8], degrees: float, zoom: float) -> NDArray[np.uint8]:
    """A 480 × 480 part around the face, turned; where the photo ends, its border goes on."""
    height, width = image.shape[:2]
    middle = (width * (0.46 if degrees > 0 else 0.54), height * 0.265)
    turn = cv2.getRotationMatrix2D(middle, degrees, zoom)
    turn[:, 2] += 240 - np.array(middle)
    image = np.ascontiguousarray(image)
    return cv2.warpAffine(image, turn, (480, 480), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


if __name__ == "__main__":
    main()
