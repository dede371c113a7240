"""Colours of overlays: told apart in every scheme, and moved nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparse.draw import colours, overlay, panel
from faceparse.draw.tints import CLOSE, tints
from faceparse.labels import Scheme, scheme, schemes
from faceparse.labels.palette import COLOURS


def smallest_distance(one: Scheme) -> float:
    tint = tints(one).palette[: len(one)].astype(float)
    distances = np.linalg.norm(tint[:, None] - tint, axis=-1)
    return float(distances[~np.eye(len(one), dtype=bool)].min(initial=np.inf))


@pytest.mark.parametrize("name", sorted(schemes()))
def test_no_two_classes_of_a_scheme_are_close(name: str) -> None:
    assert smallest_distance(scheme(name)) > CLOSE


@given(st.lists(st.sampled_from([*COLOURS, *"abcdefgh"]), min_size=1, max_size=30, unique=True))
def test_nor_of_any_scheme_of_known_classes(names: list[str]) -> None:
    assert smallest_distance(Scheme("own", tuple(names))) > CLOSE


def test_classes_keep_their_colours_where_none_is_close() -> None:
    celeb = scheme("celebamask19")
    moved = {c for c in celeb.classes if tints(celeb).colours[c] != tuple(celeb.palette[celeb.id(c)])}
    assert moved == {"r_ear", "l_lip", "r_brow", "neck_l"}


def test_one_class_has_one_colour_in_all_orders() -> None:
    first, *others = (tints(scheme(n)).colours for n in ("celebamask19", "maskgan19", "segface-celeb19"))
    assert all(dict(other) == dict(first) for other in others)


def test_declared_colours_stay() -> None:
    own = Scheme("own", ("a", "skin", "b"), colours={"a": (200, 0, 0), "b": (210, 0, 0)})
    assert (tints(own).colours["a"], tints(own).colours["b"]) == ((200, 0, 0), (210, 0, 0))
    assert tints(own).colours["skin"] != (204, 0, 0)


def test_more_classes_than_colours_that_differ() -> None:
    assert len(tints(Scheme("many", tuple(f"class {i}" for i in range(255)))).colours) == 255


def test_only_pictures_to_look_at_have_them() -> None:
    celeb = scheme("celebamask19")
    labels, image = np.full((20, 20), celeb.id("r_ear"), np.uint8), np.zeros((20, 20, 3), np.uint8)
    assert (colours(labels, celeb) == (255, 0, 0)).all()
    tint = tints(celeb).colours["r_ear"]
    assert (overlay(image, labels, celeb, alpha=1) == tint).all()
    shown = {tuple(c) for c in panel(image, labels, celeb, alpha=1).reshape(-1, 3).tolist()}
    assert tint in shown
    assert (255, 0, 0) not in shown
