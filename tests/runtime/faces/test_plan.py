"""What is looked at: a portrait as a whole, else each face twice over the whole picture."""

import numpy as np
import pytest

from faceparse.errors import ConfigError, NoFaceError
from faceparse.runtime.faces import Detection, Look, Plan, Square, plan
from faceparse.runtime.faces.plan import WIDER
from faceparse.weights import card

RULE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
CARD = card("bisenet-resnet18-zllrunning")


def face(x: float, y: float, size: float, angle: float = 0.0) -> Detection:
    """An upright face in a box of that size around (x, y), turned clockwise."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    points = (RULE - 0.5) * size @ np.array([[c, s], [-s, c]]) + [x, y]
    return Detection((x - size / 2, y - size / 2, x + size / 2, y + size / 2), 0.9, points)


def squares(made: Plan) -> list[Square | None]:
    return [look.square for look in made.looks]


PORTRAIT = face(256, 270, 300)


def test_the_portrait_of_these_tests_fills_its_picture() -> None:
    square = Square.from_landmarks(PORTRAIT.landmarks)
    assert square.side == pytest.approx(480, abs=20)
    assert square.centre == pytest.approx((256, 256), abs=15)


def test_auto_takes_an_aligned_portrait_as_a_whole() -> None:
    made = plan([PORTRAIT], (512, 512), "auto")
    assert squares(made) == [None]
    assert made.faces == (PORTRAIT,)


def test_auto_takes_it_so_with_small_faces_behind() -> None:
    made = plan([face(60, 60, 50), PORTRAIT], (512, 512), "auto")
    assert squares(made) == [None]
    assert made.faces == (PORTRAIT,)


@pytest.mark.parametrize(
    ("found", "size"),
    [
        (face(256, 270, 150), (512, 512)),
        (face(180, 270, 300), (512, 512)),
        (face(256, 270, 300, angle=25), (512, 512)),
        (face(256, 270, 300), (512, 700)),
        (face(256, 270, 420), (512, 512)),
    ],
    ids=["small", "aside", "turned", "wide picture", "too near"],
)
def test_auto_aligns_every_other_face(found: Detection, size: tuple[int, int]) -> None:
    made = plan([found], size, "auto")
    assert Square.from_landmarks(found.landmarks) in squares(made)


def test_auto_without_a_face_is_the_whole_picture() -> None:
    assert plan((), (40, 30), "auto") == Plan((), (Look(),))


@pytest.mark.parametrize("mode", ["each", "largest"])
def test_faces_asked_for_and_none_found(mode: str) -> None:
    with pytest.raises(NoFaceError, match=r"40×30.*whole"):
        plan((), (30, 40), mode)


def test_whole_needs_no_faces() -> None:
    assert squares(plan((), (40, 30), "whole")) == [None]
    assert squares(plan([PORTRAIT], (512, 512), "whole")) == [None]


def test_each_face_twice_over_the_whole_picture() -> None:
    faces = [face(300, 300, 100), face(700, 300, 80, angle=15)]
    made = plan(faces, (600, 1000), "each")
    assert made.faces == tuple(faces)
    assert made.looks[0] == Look(None, layer=0)
    for index, found in enumerate(faces):
        inner = Square.from_landmarks(found.landmarks)
        wider, aligned = (look for look in made.looks if look.face == index)
        assert (wider.square, aligned.square) == (inner.scaled(WIDER), inner)
        assert 0 < wider.layer < aligned.layer


def test_each_aligns_a_portrait_too() -> None:
    assert Square.from_landmarks(PORTRAIT.landmarks) in squares(plan([PORTRAIT], (512, 512), "each"))


def test_no_whole_look_where_a_wider_one_holds_the_picture() -> None:
    made = plan([face(100, 105, 150)], (200, 200), "each")
    assert None not in squares(made)
    assert len(made.looks) == 2


def test_largest_leaves_the_others_out() -> None:
    small, large = face(700, 300, 80), face(300, 300, 100)
    made = plan([small, large], (600, 1000), "largest")
    assert made.faces == (large,)
    assert {look.face for look in made.looks} == {0}


def test_unknown_mode() -> None:
    with pytest.raises(ConfigError, match="auto, whole, each, largest"):
        plan((), (9, 9), "all")


@pytest.mark.parametrize("look", [Look(), Look(Square((30, 30), (20, 5), (-5, 20)), layer=1, face=0)])
def test_a_look_gives_the_networks_input_and_its_view(look: Look) -> None:
    image = np.zeros((60, 90, 3), np.uint8)
    assert look.crop(image, CARD.input).shape == (512, 512, 3)
    view = look.view(np.zeros((19, 64, 64), np.float32), CARD, (60, 90))
    assert view.layer == look.layer
    assert (view.frame is None) == (look.square is None)
