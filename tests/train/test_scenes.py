"""Made scenes: person whole, body labelled cloth, the same for the same generator."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.labels import scheme
from faceparse.train.scenes import SIDE, WIDER, scene

CELEB = scheme("celebamask19")


def portrait(cloth: bool = True) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A head with eyes over shoulders, each class in its own colour."""
    labels = np.zeros((512, 512), np.uint8)
    if cloth:
        labels[440:] = CELEB.id("cloth")
    labels[100:440, 150:360] = CELEB.id("skin")
    labels[60:140, 140:370] = CELEB.id("hair")
    labels[200:220, 290:330] = CELEB.id("l_eye")
    labels[200:220, 180:220] = CELEB.id("r_eye")
    return CELEB.palette[labels], labels


@pytest.mark.parametrize("seed", range(12))
def test_a_scene_holds_the_person_whole(seed: int) -> None:
    image, labels = portrait()
    seen, found = scene(image, labels, CELEB, np.random.default_rng(seed))
    side = found.shape[0]
    assert seen.shape == (side, side, 3)
    assert seen.dtype == found.dtype == np.uint8
    assert SIDE * WIDER[0] - 1 <= side <= SIDE * WIDER[1] + 1
    CELEB.check(found)
    scale = (SIDE / 512) ** 2
    for name in ("l_eye", "r_eye", "hair"):
        assert (found == CELEB.id(name)).sum() == pytest.approx(
            (labels == CELEB.id(name)).sum() * scale, rel=0.1
        )
        inside = np.median(seen[found == CELEB.id(name)].astype(int), axis=0)
        assert np.abs(inside - CELEB.palette[CELEB.id(name)].astype(int)).max() <= 12
    left, right = (np.nonzero(found == CELEB.id(n))[1].mean() for n in ("l_eye", "r_eye"))
    assert left > right, "the subject's left lies on the picture's right"


@pytest.mark.parametrize("seed", range(12))
def test_the_body_goes_on_below_the_portrait(seed: int) -> None:
    image, labels = portrait()
    _, found = scene(image, labels, CELEB, np.random.default_rng(seed))
    cloth = found == CELEB.id("cloth")
    assert cloth.sum() > 2 * (labels == CELEB.id("cloth")).sum() * (SIDE / 512) ** 2
    assert cloth[-1].any()
    assert not cloth.all(axis=1).all()


def test_the_same_generator_makes_the_same_scene() -> None:
    one, two = (scene(*portrait(), CELEB, np.random.default_rng(5)) for _ in range(2))
    assert (one[0] == two[0]).all()
    assert (one[1] == two[1]).all()


def test_a_portrait_without_cloth_stays() -> None:
    image, labels = portrait(cloth=False)
    _, found = scene(image, labels, CELEB, np.random.default_rng(0))
    assert found.shape == (SIDE, SIDE)
    assert not (found == CELEB.id("cloth")).any()


@pytest.mark.parametrize("value", [0, 255])
def test_odd_portraits_do_not_fail(value: int) -> None:
    """All cloth, and all cloth but for a part that is ignored."""
    labels = np.full((100, 80), CELEB.id("cloth"), np.uint8)
    labels[:50] = value
    scene(np.zeros((100, 80, 3), np.uint8), labels, CELEB, np.random.default_rng(1))
    labels[:50] = CELEB.id("cloth")
    _, found = scene(np.zeros((100, 80, 3), np.uint8), labels, CELEB, np.random.default_rng(1))
    assert (found == CELEB.id("cloth")).any()
