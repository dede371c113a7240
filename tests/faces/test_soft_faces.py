"""The model in the package keeps the sample's face where the photo is small or soft."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse import Parser
from faceparse.pictures import read_picture
from tests.conftest import ROOT

SIDES, SIGMAS = (512, 256, 128, 96), (1, 2, 4)


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser()


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    image = read_picture(ROOT / "examples" / "collins.jpg")
    scale = 512 / max(image.shape[:2])
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def iou(parser: Parser, image: NDArray[np.uint8], sharp: NDArray[np.bool_]) -> float:
    """Intersection over union of the face mask with the sharp photo's, brought to the same size."""
    size = image.shape[1::-1]
    target = cv2.resize(sharp.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    mask = parser.parse(image).mask("face")
    return float((mask & target).sum() / (mask | target).sum())


def test_the_face_stays_on_small_and_soft_photos(parser: Parser, photo: NDArray[np.uint8]) -> None:
    sharp = parser.parse(photo).mask("face")
    assert sharp.mean() > 0.02
    small = {
        side: cv2.resize(photo, None, fx=side / 512, fy=side / 512, interpolation=cv2.INTER_AREA)
        for side in SIDES
    }
    by_size = {side: iou(parser, np.asarray(image), sharp) for side, image in small.items()}
    by_blur = {
        sigma: iou(parser, np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma)), sharp) for sigma in SIGMAS
    }
    assert min(by_size.values()) >= 0.75, by_size
    assert float(np.median([*by_size.values(), *by_blur.values()])) >= 0.85, (by_size, by_blur)
    assert min(by_blur.values()) >= 0.75, by_blur
