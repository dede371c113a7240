"""Figures of a face."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse import Parsing, parse, scheme
from faceparse.errors import ResultError
from faceparse.results import Face
from faceparse.results.measures import measure

CELEB = scheme("celebamask19")
SKIN, EYE = (200, 150, 120), (60, 40, 20)


def drawn(mouth: int = 0) -> Face:
    """A face of 100 × 100 px whose left eye is 20 × 10 px, lips 40 × 20 and mouth `mouth` px high."""
    labels, image = np.zeros((200, 200), np.uint8), np.zeros((200, 200, 3), np.uint8)
    labels[50:150, 50:150] = CELEB.id("skin")
    labels[80:90, 110:130], labels[80:90, 70:90] = CELEB.id("l_eye"), CELEB.id("r_eye")
    labels[120:140, 80:120] = CELEB.id("u_lip")
    labels[120 : 120 + mouth, 85:115] = CELEB.id("mouth")
    image[labels > 0] = SKIN
    image[80:90, 70:90] = image[80:90, 110:130] = EYE
    points = np.array([[80, 85], [120, 85], [100, 105], [82, 130], [118, 130]])
    face = Face((50, 50, 150, 150), 0.9, points)
    return replace(face, parsing=Parsing.from_labels(image, labels, CELEB, [face]))


def test_figures_of_a_drawn_face() -> None:
    figures = measure(drawn())
    assert (figures["size"], figures["tilt"], figures["mouth_opening"]) == (100, 0, 0)
    assert figures["l_eye_opening"] == figures["r_eye_opening"] == 0.5
    assert figures["area_l_eye"] == pytest.approx(100 * 200 / 10_000)
    assert figures["area_hair"] == 0
    assert figures["hair_L"] is None
    for place, colour in (("skin", SKIN), ("iris", EYE)):
        wanted = cv2.cvtColor(np.array([[colour]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
        np.testing.assert_allclose([figures[f"{place}_{c}"] or 0 for c in "Lab"], wanted, atol=0.1)
        assert figures[f"{place}_spread"] == pytest.approx(0, abs=1e-3)


def test_an_open_mouth_opens() -> None:
    assert measure(drawn(8))["mouth_opening"] == pytest.approx(8 / 40)


def test_a_tilted_portrait_has_the_same_figures(collins: NDArray[np.uint8]) -> None:
    tall = measure(parse(collins).faces[0])
    height, width = collins.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -20, 1)
    turned = np.asarray(
        cv2.warpAffine(collins, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
    )
    tilted = measure(parse(turned).faces[0])
    assert (tilted["tilt"] or 0) - (tall["tilt"] or 0) == pytest.approx(20, abs=3)
    for name in ("l_eye_opening", "r_eye_opening", "mouth_opening"):
        assert tilted[name] == pytest.approx(tall[name], abs=0.12), name
    assert tilted["skin_L"] == pytest.approx(tall["skin_L"], abs=2)


def test_a_face_without_a_parsing_is_one_line() -> None:
    with pytest.raises(ResultError, match="measures need the face's parsing"):
        measure(replace(drawn(), parsing=None))
