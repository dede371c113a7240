"""What is looked at: a portrait as a whole, else each face in nested squares over the whole picture."""

from dataclasses import replace

import numpy as np
import pytest

from faceparse.errors import ConfigError
from faceparse.faces import Detection, Look, Plan, Square, plan
from faceparse.faces.looks import WIDER
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


def test_auto_looks_at_small_faces_behind_a_portrait_too() -> None:
    small = face(60, 60, 50)
    made = plan([small, PORTRAIT], (512, 512), "auto")
    assert made.faces == (small, PORTRAIT)
    whole, aligned = made.looks
    assert (whole.face, whole.square) == (PORTRAIT, None)
    assert (aligned.face, aligned.square) == (small, Square.from_landmarks(small.landmarks))
    view = whole.view(np.zeros((19, 64, 64), np.float32), CARD, (512, 512))
    assert view.frame is not None
    assert view.frame @ [0, 0, 1] == pytest.approx([view.feather] * 2), "it does not fade in the picture"


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


@pytest.mark.parametrize("mode", ["auto", "each", "largest"])
def test_without_a_face_a_strict_look_at_the_whole_picture(mode: str) -> None:
    assert plan((), (40, 30), mode) == Plan((), (Look(strict=True),))


def test_whole_needs_no_faces() -> None:
    assert squares(plan((), (40, 30), "whole")) == [None]
    assert squares(plan([PORTRAIT], (512, 512), "whole")) == [None]


def test_each_face_twice_over_the_whole_picture() -> None:
    faces = [face(300, 300, 100), face(700, 300, 80, angle=15)]
    made = plan(faces, (600, 1000), "each")
    assert made.faces == tuple(faces)
    assert made.looks[0] == Look(strict=True)
    assert len(made.looks) == 5
    for found in faces:
        inner = Square.from_landmarks(found.landmarks)
        wider, aligned = (look for look in made.looks if look.face is found)
        assert aligned.square == inner
        assert wider.square == inner.scale(WIDER)
        assert made.looks[0].layer < wider.layer < aligned.layer
        assert not aligned.excluded
        assert made.closest(found) == aligned


def test_each_aligns_a_portrait_too() -> None:
    assert Square.from_landmarks(PORTRAIT.landmarks) in squares(plan([PORTRAIT], (512, 512), "each"))


def test_two_looks_where_one_face_fills_the_picture() -> None:
    assert len(plan([face(100, 105, 130)], (200, 200), "each").looks) == 2
    assert len(plan([PORTRAIT], (512, 512), "auto").looks) == 1


def test_largest_leaves_the_others_out() -> None:
    small, large = face(700, 300, 80), face(300, 300, 100)
    made = plan([small, large], (600, 1000), "largest")
    assert made.faces == (large,)
    assert {look.face for look in made.looks} == {None, large}


def test_unknown_mode() -> None:
    with pytest.raises(ConfigError, match="auto, whole, each, largest"):
        plan((), (9, 9), "all")


@pytest.mark.parametrize("look", [Look(), Look(Square((30, 30), (20, 5), (-5, 20)), layer=1)])
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
    whole, wider, aligned = plan([face(300, 300, 100)], (600, 1000), "each").looks
    assert ids(aligned) == set(CARD.label_scheme.classes)
    assert ids(wider) == {"background", "l_ear", "r_ear", "ear_r", "neck", "neck_l", "cloth", "hair"}
    assert ids(whole) == {"background", "neck", "cloth", "hair", "hat"}


def test_skin_that_includes_the_neck_is_not_held_back() -> None:
    _, wider, _ = plan([face(300, 300, 100)], (600, 1000), "each").looks
    assert ids(wider, replace(CARD, scheme="ourface11")) == {"background", "skin", "ears", "hair"}


def test_a_looks_view_leaves_the_engines_logits_alone() -> None:
    logits = np.zeros((19, 8, 8), np.float32)
    Look(excluded=("face",)).view(logits, CARD, (60, 90))
    assert not logits.any()
