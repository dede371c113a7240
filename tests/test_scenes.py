"""The default model on scenes that are no portraits: what a small, false, missing or turned face must not do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse import Parser
from faceparse.errors import NoFaceError
from faceparse.faces import Detection, Square
from faceparse.faces.looks import WIDER
from tests.scenes import Image, back_of_a_head, cat, coins, corner_face, much_hair, page, soft_faces_behind
from tests.test_parser import FixedFaces

FACE = ("face", "ears", "ear_r", "neck_l")


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser()


def iou(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((mask & other).sum() / (mask | other).sum())


def test_a_small_face_in_a_corner_leaves_the_main_subjects_hair(parser: Parser, collins: Image) -> None:
    image, hair, corner = corner_face(collins)
    parsing = parser.parse(image)
    (face,) = parsing.faces
    assert face.trust is not None
    assert face.trust > 0.8
    assert parsing.mask("face")[corner, corner].mean() > 0.1
    outside = np.ones(hair.shape, bool)
    outside[corner, corner] = False
    assert iou(parsing.mask("hair") & outside, hair & outside) > 0.9
    assert not (parsing.mask("face") & outside).any()


def test_hair_has_no_seam_where_a_faces_square_ends(parser: Parser, collins: Image) -> None:
    image, hair = much_hair(collins)
    parsing = parser.parse(image)
    (face,) = parsing.faces
    frame = Square.from_landmarks(face.landmarks).scale(WIDER).to_frame()
    y, x = np.indices(hair.shape) + 0.5
    inside = np.abs(frame[:, :2] @ np.stack([x, y], 1) + frame[:, 2:] - 0.5).max(1) < 0.5
    assert (hair & ~inside).sum() > 0.3 * hair.sum(), "much of the hair lies outside the face's squares"
    assert iou(parsing.mask("hair") & ~inside, hair & ~inside) > 0.9
    assert iou(parsing.mask("hair"), hair) > 0.9


def test_a_face_in_the_back_of_a_head_is_false(parser: Parser) -> None:
    image, hair = back_of_a_head()
    detector = FixedFaces((180, 150, 300, 300))
    parsing = Parser(detector=detector).parse(image)
    assert parsing.faces == ()
    (false,) = parsing.false_faces
    assert false.trust is not None
    assert false.box == (180, 150, 300, 300)
    assert iou(parsing.mask("hair"), hair) > 0.9
    assert (parsing.labels == parser.parse(image).labels).all()
    with pytest.raises(NoFaceError, match="1 detected"):
        Parser(faces="each", detector=detector).parse(image)
    assert not Parser(no_face="background", detector=detector).parse(image).labels.any()


def test_the_next_largest_face_takes_a_false_ones_place(collins: Image) -> None:
    image = corner_face(collins)[0]
    (real,) = Parser().parse(image).faces

    class Both:
        def detect(self, image: Image) -> tuple[Detection, ...]:
            (false,) = FixedFaces((180, 150, 300, 300)).detect(image)
            return false, Detection(real.box, real.score, real.landmarks)

    parsing = Parser(faces="largest", detector=Both()).parse(image)
    assert [face.box for face in parsing.faces] == [real.box]
    assert len(parsing.false_faces) == 1


def test_a_cat_is_no_face(parser: Parser) -> None:
    parsing = parser.parse(cat())
    assert parsing.faces == ()
    assert len(parsing.false_faces) == 1
    assert not parsing.mask(FACE).any()


@pytest.mark.parametrize("image", [coins(), page()], ids=["coins", "text"])
def test_what_is_no_person(parser: Parser, image: Image) -> None:
    parsing = parser.parse(image)
    assert parsing.faces == parsing.false_faces == ()
    assert not parsing.mask(FACE).any()
    background = Parser(no_face="background").parse(image)
    assert not background.labels.any()
    assert (background.mask("background", soft=True) == 1).all()
    for options in ({"no_face": "fail"}, {"faces": "each"}, {"faces": "largest"}):
        with pytest.raises(NoFaceError, match="no face found"):
            Parser(**options).parse(image)  # type: ignore[arg-type]
    assert Parser(faces="each", no_face="whole").parse(image).faces == ()


def test_soft_faces_behind_a_sharp_portrait_count(parser: Parser, collins: Image) -> None:
    image, places = soft_faces_behind(collins)
    parsing = parser.parse(image)
    assert len(parsing.faces) == 1 + len(places)
    assert parsing.looks == len(parsing.faces), "the portrait is looked at as a whole, the others once each"
    sharp = Parser(faces="whole").parse(image)
    rest = np.ones(image.shape[:2], bool)
    for place in places:
        rest[place] = False
    assert iou(parsing.mask("face") & rest, sharp.mask("face") & rest) > 0.98
    alone = parser.parse(np.ascontiguousarray(image[places[0]])).mask("face")
    for place in places:
        assert iou(parsing.mask("face")[place], alone) > 0.7


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_picture_has_the_masks_of_the_upright_one(
    parser: Parser, collins: Image, quarters: int
) -> None:
    upright = parser.parse(collins)
    turned = parser.parse(np.ascontiguousarray(np.rot90(collins, quarters)))
    assert len(turned.faces) == 1
    for name, least in (("face", 0.9), ("hair", 0.85), ("cloth", 0.8)):
        assert iou(np.rot90(turned.mask(name), -quarters), upright.mask(name)) > least
    (face,) = turned.faces
    x0, y0, x1, y1 = (round(v) for v in face.box)
    assert turned.mask("face")[y0:y1, x0:x1].mean() > 0.5
    assert (face.landmarks.min(0) > [x0, y0]).all()
    assert (face.landmarks.max(0) < [x1, y1]).all()


def test_two_looks_at_most_where_one_face_fills_the_frame(parser: Parser, collins: Image) -> None:
    for part in (collins[10:206, 126:320], collins[20:200, 100:330]):
        assert parser.parse(np.ascontiguousarray(part)).looks <= 2
