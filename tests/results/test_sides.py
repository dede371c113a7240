"""A model that never says one side is told, and no other."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from faceparse.labels import Scheme, scheme
from faceparse.results import Parsing, View
from faceparse.results.sides import MIN_PICTURES, SideCounter

CELEB = scheme("celebamask19")
TO_GRID = np.array([[1.0, 0, -0.5], [0, 1.0, -0.5]])


def view(*names: str, own: Scheme = CELEB, side: int = 60) -> View:
    """Rows of background and of each class."""
    labels = np.zeros((side, side), int)
    for row, name in enumerate(names, 1):
        labels[row] = own.id(name)
    return View(np.eye(len(own), dtype=np.float32)[labels].transpose(2, 0, 1), TO_GRID)


def note(*pictures: tuple[str, ...], times: int = MIN_PICTURES, own: Scheme = CELEB) -> str:
    sides = SideCounter(own)
    for names in pictures * times:
        sides.add([view(*names, own=own)])
    return sides.note()


def test_left_alone_is_told() -> None:
    text = note(("l_eye", "l_ear", "nose"), ("l_brow",), times=6)
    assert text.startswith(
        "in 12 pictures the model labels l_brow, l_eye, l_ear and no r_brow, r_eye, r_ear: "
    )
    assert "\n" not in text


def test_right_alone_too() -> None:
    assert note(("r_eye",)).startswith("in 10 pictures the model labels r_eye and no l_eye")


def test_both_sides_are_no_news() -> None:
    assert note(("l_eye",), ("r_eye",)) == ""
    assert note(("l_eye", "r_brow")) == "", "one pair's left and another's right"


def test_a_stray_cell_is_no_side() -> None:
    sides = SideCounter(CELEB)
    sides.add([view(*["l_eye"] * 59)] * 20)
    for _ in range(MIN_PICTURES):
        sides.add([view("l_eye")])
    odd = view("l_eye")
    logits = odd.logits.copy()
    logits[CELEB.id("r_eye"), 9, 9] = 5
    sides.add([View(logits, TO_GRID)])
    assert sides.note()


@pytest.mark.parametrize("names", [("l_lip", "u_lip", "hair"), ()])
def test_classes_without_sides_say_nothing(names: tuple[str, ...]) -> None:
    assert note(names) == ""


def test_few_pictures_say_nothing() -> None:
    assert note(("l_eye",), times=MIN_PICTURES - 1) == ""


def test_schemes_without_sides_are_not_watched() -> None:
    def parse(picture: int) -> Parsing:
        raise AssertionError

    assert SideCounter(scheme("ourface11")).watch(parse) is parse


def test_watching_many_threads() -> None:
    sides = SideCounter(CELEB)
    parsing = Parsing(np.zeros((60, 60, 3), np.uint8), (view("l_eye"),), CELEB)
    watched = sides.watch(lambda _: parsing)
    with ThreadPoolExecutor(4) as pool:
        assert all(found is parsing for found in pool.map(watched, range(40)))
    assert "in 40 pictures" in sides.note()
    assert SideCounter(CELEB).note() == ""


def test_large_grids_are_sampled() -> None:
    sides = SideCounter(CELEB)
    for _ in range(MIN_PICTURES):
        sides.add([view(*["l_eye"] * 300, side=301)])
    assert sides.note()
