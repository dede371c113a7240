"""What is looked at: a portrait as a whole, else each face in nested squares."""

from dataclasses import replace

import numpy as np
import pytest

from faceparse.errors import ConfigError, NoFaceError
from faceparse.faces import Detection, Look, Plan, Square, plan
from faceparse.faces.looks import WIDER, WIDEST
from faceparse.weights import Card, card

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


def test_each_face_three_times() -> None:
    faces = [face(300, 300, 100), face(700, 300, 80, angle=15)]
    made = plan(faces, (600, 1000), "each")
    assert made.faces == tuple(faces)
    for index, found in enumerate(faces):
        inner = Square.from_landmarks(found.landmarks)
        widest, wider, aligned = (look for look in made.looks if look.face == index)
        assert aligned.square == inner
        assert (wider.square, widest.square) == (inner.scale(WIDER), inner.scale(WIDEST))
        assert widest.layer < wider.layer < aligned.layer
        assert not aligned.excluded
        assert set(wider.excluded) < set(widest.excluded)


def test_each_aligns_a_portrait_too() -> None:
    assert Square.from_landmarks(PORTRAIT.landmarks) in squares(plan([PORTRAIT], (512, 512), "each"))


def test_no_third_look_where_the_second_holds_the_picture() -> None:
    made = plan([face(100, 105, 130)], (200, 200), "each")
    assert len(made.looks) == 2


def test_no_third_look_in_a_crowd() -> None:
    crowd = [face(100 + 90 * i, 300, 60) for i in range(8)]
    assert len(plan(crowd, (600, 1000), "each").looks) == 16


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


def ids(look: Look, which: Card = CARD) -> set[str]:
    """The classes that a look can give."""
    scheme = which.label_scheme
    view = look.view(np.zeros((len(scheme), 8, 8), np.float32), which, (60, 90))
    return {name for name, logit in zip(scheme.classes, view.logits[:, 0, 0], strict=True) if logit == 0}


def test_only_the_aligned_look_speaks_of_the_face() -> None:
    widest, wider, aligned = plan([face(300, 300, 100)], (600, 1000), "each").looks
    assert ids(aligned) == set(CARD.label_scheme.classes)
    around = {"background", "l_ear", "r_ear", "ear_r", "neck", "neck_l", "cloth", "hair"}
    assert ids(wider) == around
    assert ids(widest) == {"background", "cloth"}


def test_skin_that_includes_the_neck_is_not_held_back() -> None:
    _, wider, _ = plan([face(300, 300, 100)], (600, 1000), "each").looks
    assert ids(wider, replace(CARD, scheme="ourface11")) == {"background", "skin", "ears", "hair"}


def test_a_looks_view_leaves_the_engines_logits_alone() -> None:
    logits = np.zeros((19, 8, 8), np.float32)
    Look(excluded=("face",)).view(logits, CARD, (60, 90))
    assert not logits.any()


def test_clothes_are_looked_for_in_all_of_a_picture_whose_faces_are_not_small() -> None:
    near = plan([face(300, 200, 160)], (600, 800), "each")
    everywhere = near.looks[0]
    assert everywhere.face is None
    assert everywhere.layer < min(look.layer for look in near.looks[1:])
    assert everywhere.square is not None
    frame = everywhere.square.to_frame()
    for corner in ((0, 0), (800, 0), (800, 600), (0, 600)):
        u, v = frame[:, :2] @ np.array(corner) + frame[:, 2]
        assert min(u, v, 1 - u, 1 - v) > 0, "the picture's border lies inside the look"
    assert {"hair", "face"} <= set(everywhere.excluded)
    assert sum(look.face == 0 for look in near.looks) == 2
    far = plan([face(300, 200, 30)], (600, 800), "each")
    assert all(look.face == 0 for look in far.looks)
