"""Makes the README's pictures from the sample portrait: `python docs/make_pictures.py [MODEL]`."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse import Parser
from faceparse.draw import overlay, panel
from faceparse.runtime import read_picture

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "examples" / "collins.jpg"


def composite(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two of her on one plain canvas, 1400 × 800: one at −20° and smaller, one mirrored at 15°."""
    canvas = np.full((800, 1400, 3), (201, 198, 192), np.uint8)
    head = portrait[:440]
    for picture, angle, scale, place in (
        (head, 20, 0.9, (330, 400)),
        (np.ascontiguousarray(head[:, ::-1]), -15, 1.4, (960, 400)),
    ):
        height, width = picture.shape[:2]
        move = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
        move[:, 2] += np.array(place) - (width / 2, height / 2)
        size = canvas.shape[1::-1]
        inside = cv2.warpAffine(np.full((height, width), 255, np.uint8), move, size)
        canvas = np.where(inside[..., None] > 127, cv2.warpAffine(picture, move, size), canvas)
    return canvas


def main() -> None:
    """Write docs/images."""
    parser = Parser(*sys.argv[1:])
    portrait = read_picture(SAMPLE)
    images = HERE / "images"
    Image.fromarray(panel(parser.parse(portrait))).save(images / "collins.jpg", quality=88)
    two = composite(portrait)
    side_by_side = np.hstack([two, overlay(parser.parse(two))])
    Image.fromarray(side_by_side).resize((1400, 400)).save(images / "two.jpg", quality=88)
    words = [sys.executable, SAMPLE.with_name("recolour.py"), SAMPLE, images / "made-up.png"]
    subprocess.run([*map(str, words), "lips=b0103a", "hair=6a1fb0"], check=True)
    made_up = read_picture(images / "made-up.png")
    (images / "made-up.png").unlink()
    heads = np.hstack([picture[:256, 96:352] for picture in (portrait, made_up)])
    Image.fromarray(heads).resize((768, 384), Image.Resampling.LANCZOS).save(
        images / "recoloured.jpg", quality=88
    )


if __name__ == "__main__":
    main()
