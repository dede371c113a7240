"""Regions of a face's skin: on the sample photo upright, turned and mirrored, in any scheme, and of labels made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import faceparse
from faceparse.errors import LabelError, ResultError
from faceparse.labels import Scheme, scheme
from faceparse.results import Face, Parsing
from faceparse.results.regions import REGIONS

SINGLE = [name for name, parts in REGIONS.items() if parts == (name,)]
Masks = dict[str, NDArray[np.bool_]]


def regions(image: NDArray[np.uint8]) -> Masks:
    (face,) = faceparse.parse(np.ascontiguousarray(image)).faces
    return {name: face.region(name) for name in REGIONS}


@pytest.fixture(scope="module")
def face(collins: NDArray[np.uint8]) -> Face:
    (one,) = faceparse.parse(collins).faces
    return one


@pytest.fixture(scope="module")
def upright(collins: NDArray[np.uint8]) -> Masks:
    return regions(collins)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum())


def centre(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([at.mean() for at in np.nonzero(mask)[::-1]])


def test_each_is_where_it_is_called(face: Face, upright: Masks) -> None:
    eye, other_eye, nose, corner, _ = face.landmarks
    place = {name: centre(upright[name]) for name in REGIONS}
    assert place["forehead"][1] < min(eye[1], other_eye[1])
    assert eye[1] < place["under_eyes"][1] < nose[1]
    assert place["under_eyes"][1] < place["cheeks"][1] < corner[1] < place["chin"][1]
    assert place["r_cheek"][0] < nose[0] < place["l_cheek"][0], "the subject's left"
    assert abs(place["r_under_eye"][0] - eye[0]) < 3


def test_they_are_skin_apart_from_each_other(face: Face, upright: Masks) -> None:
    assert face.parsing is not None
    skin = face.parsing.mask("skin")
    total = np.sum([upright[name] for name in SINGLE], 0)
    assert total.max() == 1
    assert not (total > 0)[~skin].any()
    for name, parts in REGIONS.items():
        assert 0.02 < upright[name].sum() / skin.sum() < 0.6, name
        np.testing.assert_array_equal(upright[name], np.any([upright[part] for part in parts], 0))


def test_a_mirrored_picture_has_them_mirrored_left_and_right_swapped(
    collins: NDArray[np.uint8], upright: Masks
) -> None:
    mirrored = regions(collins[:, ::-1])
    for name in REGIONS:
        other = {"l_": "r_", "r_": "l_"}.get(name[:2], name[:2]) + name[2:]
        assert iou(mirrored[other][:, ::-1], upright[name]) > 0.85, name


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_has_them_turned(turns: int, collins: NDArray[np.uint8], upright: Masks) -> None:
    turned = regions(np.rot90(collins, turns))
    for name in REGIONS:
        assert iou(np.rot90(turned[name], -turns), upright[name]) > 0.9, name


def test_soft_is_the_probability_of_skin(face: Face) -> None:
    assert face.parsing is not None
    soft = face.region("cheeks", soft=True)
    assert soft.dtype == np.float32
    inside = soft > 0
    np.testing.assert_array_equal(soft[inside], face.parsing.mask("skin", soft=True)[inside])
    hard = face.region("cheeks")
    assert (soft[hard] > 0.1).all()


def test_turned_landmarks_turn_them() -> None:
    one = drawn(scheme("celebamask19"))
    upright = one.region("cheeks")
    turned = replace(one, landmarks=100 - one.landmarks).region("cheeks")
    assert iou(turned[::-1, ::-1], upright) > 0.95


@pytest.mark.parametrize("name", ["helen11", "lapa11", "maskgan19"])
def test_left_is_the_side_of_the_left_eye_in_any_scheme(face: Face, name: str) -> None:
    assert face.parsing is not None
    one = replace(face, parsing=face.parsing.to(name))
    assert one.parsing is not None
    for side in "lr":
        eye, cheek = centre(one.parsing.mask(f"{side}_eye")), centre(one.region(f"{side}_cheek"))
        assert abs(eye[0] - cheek[0]) < 15


def drawn(one: Scheme) -> Face:
    """A face that is skin alone."""
    labels = np.full((100, 100), one.id("skin"), np.uint8)
    points = np.array([[35, 40], [65, 40], [50, 55], [40, 70], [60, 70]])
    parsing = Parsing.from_labels(np.zeros((100, 100, 3), np.uint8), labels, one)
    return Face((20, 10, 80, 90), 1, points, parsing)


@pytest.mark.parametrize("name", ["celebamask19", "helen11"])
def test_without_eyes_left_is_what_the_scheme_means(name: str) -> None:
    left, right = (centre(drawn(scheme(name)).region(f"{side}_cheek"))[0] for side in "lr")
    assert (left > right) == (scheme(name).left_means == "subject")


def test_the_brows_say_where_the_forehead_begins() -> None:
    celeb = scheme("celebamask19")
    face = drawn(celeb)
    assert face.parsing is not None
    labels = face.parsing.labels.copy()
    labels[24:27, 25:45], labels[24:27, 55:75] = celeb.id("r_brow"), celeb.id("l_brow")
    raised = replace(face, parsing=Parsing.from_labels(face.parsing.image, labels, celeb))
    assert np.flatnonzero(face.region("forehead").any(1))[-1] > 28
    assert np.flatnonzero(raised.region("forehead").any(1))[-1] == 25


def test_a_face_at_the_border() -> None:
    face = drawn(scheme("celebamask19"))
    for shift in (-60, 60, 500):
        moved = replace(face, landmarks=face.landmarks + shift)
        assert moved.region("cheeks").shape == (100, 100)


def test_faults_are_named(face: Face) -> None:
    assert face.parsing is not None
    with pytest.raises(LabelError, match="no region of a face 'cheek'; did you mean 'cheeks'"):
        face.region("cheek")
    with pytest.raises(LabelError, match="scheme 'face2' has no class or group 'skin'"):
        replace(face, parsing=face.parsing.to("face2")).region("chin")
    with pytest.raises(ResultError, match="replace\\(face, parsing=parsing\\)"):
        replace(face, parsing=None).region("chin")
