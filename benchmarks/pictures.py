"""Pictures to measure on, made from the sample portrait."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from faceparse.faces import Square, YuNet, crop

SAMPLE = Path(__file__).parents[1] / "examples" / "collins.jpg"


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Variations of the sample portrait: framing, size and light differ, as in a folder of aligned portraits."""
    sample = np.asarray(Image.open(SAMPLE))
    # Framed like the portraits that the networks are trained on, and varied by less than those are, so that every
    # loop here looks once at each picture.
    face = YuNet().detect(sample)[0]
    portrait = crop(sample, Square.from_landmarks(face.landmarks), (side, side))
    tilt = Square.from_landmarks(
        YuNet().detect(portrait)[0].landmarks
    ).angle  # the detector's second thoughts
    rng = np.random.default_rng(0)
    for i in range(count):
        zoom, turn = rng.uniform(0.94, 1.06), rng.uniform(-4, 4)
        move = cv2.getRotationMatrix2D((side / 2, side / 2), tilt + turn, zoom)
        picture = cv2.warpAffine(portrait, move, (side, side), borderMode=cv2.BORDER_REFLECT)
        grain = rng.normal(0, 3, picture.shape)
        picture = np.clip(picture * rng.uniform(0.8, 1.15) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i:03}.jpg", quality=92)
