"""What a look shows of a face, in probabilities made by hand."""

import numpy as np
import pytest

from faceparse.faces import Square
from faceparse.faces.strict import without_doubtful_faces
from faceparse.faces.trust import assess
from faceparse.faces.views import warped_view
from faceparse.faces.warp import Warp
from faceparse.labels import Scheme, scheme
from faceparse.results import View
from faceparse.weights import card
from tests.faces.test_looks import face

SCHEME = scheme("celebamask19")
FACE = face(32, 34, 36)


def view(*parts: tuple[str, slice, slice], probability: float = 0.9, of: Scheme = SCHEME) -> View:
    """64 × 64 cells of one pixel: background, and named classes in some rows and columns, all as probable."""
    labels = np.zeros((64, 64), np.intp)
    for name, rows, columns in parts:
        labels[rows, columns] = of.id(name)
    rest = np.log((1 - probability) / (len(of) - 1))
    logits = np.full((len(of), 64, 64), rest, np.float32)
    np.put_along_axis(logits, labels[None], np.log(probability), 0)
    return View(logits, np.array([[1, 0, -0.5], [0, 1, -0.5]]))


SKIN = ("skin", slice(16, 54), slice(16, 48))
EYE, NOSE = ("l_eye", slice(29, 31), slice(38, 42)), ("nose", slice(33, 41), slice(29, 35))
MOUTH = ("mouth", slice(44, 47), slice(27, 37))


@pytest.mark.parametrize(
    ("parts", "probability", "trust", "is_face"),
    [
        ((SKIN, EYE, MOUTH), 0.9, 0.9, True),
        ((SKIN, EYE, MOUTH), 0.3, 0.3, True),  # soft, but all is there
        ((SKIN,), 0.9, 0.9, True),  # a head turned away
        ((SKIN, EYE), 0.5, 0.5, False),  # a cat
        ((EYE, MOUTH), 0.9, 0.0, True),  # a veil: kept, and not trusted
        ((("hair", slice(0, 64), slice(0, 64)),), 0.9, 0.0, False),
        ((), 0.9, 0.0, False),
        ((("skin", slice(0, 8), slice(0, 64)), ("l_eye", slice(0, 2), slice(0, 64))), 0.9, 0.0, False),
    ],
    ids=["face", "soft", "profile", "cat", "veil", "hair", "nothing", "skin elsewhere"],
)
def test_evidence(
    parts: tuple[tuple[str, slice, slice], ...], probability: float, trust: float, is_face: bool
) -> None:
    evidence = assess(view(*parts, probability=probability), FACE.landmarks, SCHEME)
    assert evidence.is_face == is_face
    assert evidence.trust == pytest.approx(trust, abs=1e-3)


def test_a_scheme_without_eyes_is_not_asked_for_them() -> None:
    face2 = scheme("face2")
    whole = ("face", slice(10, 60), slice(10, 54))
    assert assess(view(whole, of=face2), FACE.landmarks, face2).is_face
    assert assess(view(of=face2), FACE.landmarks, face2) == (0, False)
    unchanged = view(whole, of=face2)
    assert without_doubtful_faces(unchanged, face2) is unchanged


def test_a_warped_view_is_read_where_the_face_is() -> None:
    warped = card("segface-lapa-swin_base-448")
    logits = np.zeros((len(warped.label_scheme), 64, 64), np.float32)
    logits[warped.label_scheme.id("skin"), 20:48, 20:44] = 9
    place = warped_view(logits, warped, Warp.from_landmarks(FACE.landmarks, warped.input.size))
    assert assess(place, FACE.landmarks, warped.label_scheme).trust > 0.9


def labels(one: View) -> set[str]:
    return {SCHEME.classes[i] for i in np.unique(one.logits.argmax(0))}


def test_a_whole_picture_keeps_faces_that_are_whole_and_likely() -> None:
    hair = ("hair", slice(0, 10), slice(0, 64))
    assert labels(without_doubtful_faces(view(hair, SKIN, EYE, NOSE, MOUTH), SCHEME)) == {
        *("background", "hair", "skin", "l_eye", "nose", "mouth")
    }
    for parts, probability in (
        ((SKIN,), 0.9),
        ((SKIN, EYE, NOSE), 0.9),
        ((SKIN, EYE, MOUTH), 0.9),
        ((SKIN, EYE, NOSE, MOUTH), 0.6),
    ):
        made = without_doubtful_faces(view(hair, *parts, probability=probability), SCHEME)
        assert labels(made) == {"background", "hair"}
    square = Square.from_landmarks(FACE.landmarks)
    other_look = without_doubtful_faces(view(hair, SKIN, EYE, NOSE, MOUTH), SCHEME, [square])
    assert labels(other_look) == {"background", "hair"}
