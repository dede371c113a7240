"""Random views: image and labels move together."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.labels import scheme
from faceparse.train.augment import Augmentation, augment

CELEB = scheme("celebamask19")
STILL = Augmentation(flip=0, rotate=0, scale=(1, 1), shift=0, colour=0, gray=0, blur=0, noise=0)


def painted() -> NDArray[np.uint8]:
    """Labels of a face with eyes, 160 × 120."""
    labels = np.zeros((160, 120), np.uint8)
    labels[30:120, 20:100] = CELEB.id("skin")
    labels[50:70, 60:90] = CELEB.id("l_eye")
    labels[50:70, 28:52] = CELEB.id("r_eye")
    labels[120:] = CELEB.id("cloth")
    return labels


def test_still_view_is_the_picture() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3), np.uint8)
    labels = rng.integers(0, 19, (64, 64), np.uint8)
    seen, moved, _ = augment(image, labels, 64, STILL, CELEB, rng)
    assert (seen == image).all()
    assert (moved == labels).all()


EACH: dict[str, dict[str, Any]] = {
    "flip": {"flip": 1},
    "rotate": {"rotate": 25},
    "scale": {"scale": (0.6, 1.8)},
    "shift": {"shift": 0.2},
    "crop": {"scale": (1.5, 2), "crop": True},
    "blur": {"blur": 1},
    "jpeg": {"noise": 1},
    "scene": {"scene": 1},
    "all": {"flip": 0.5, "rotate": 15, "scale": (0.75, 1.35), "shift": 0.08, "scene": 0.5},
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", EACH)
def test_image_and_labels_move_together(name: str, seed: int) -> None:
    """Labels painted in their colours and moved as a picture land where the moved labels say."""
    labels = painted()
    rng = np.random.default_rng(seed)
    image, moved, _ = augment(CELEB.palette[labels], labels, 128, replace(STILL, **EACH[name]), CELEB, rng)
    assert image.shape == (128, 128, 3)
    assert moved.shape == (128, 128)
    # Eyes are told apart by colour, so their sides must have gone along; a scene's body and back are not painted.
    compared = np.isin(moved, CELEB.ids("eyes")) if "scene" in str(EACH[name]) else moved != 255
    # A mirrored eye has the other one's name and keeps its colour.
    mirrored = name == "flip"
    swapped = CELEB.flip(moved)[:, ::-1]
    names = [swapped, moved] if name == "all" else [swapped if mirrored else moved]
    off = [np.abs(image.astype(int) - CELEB.palette[np.minimum(n, 18)]).max(-1) for n in names]
    if compared.any():
        assert max((o < 80)[compared].mean() for o in off) > (0.75 if "scene" in str(EACH[name]) else 0.93)


@pytest.mark.parametrize("seed", range(5))
def test_colour_changes_no_label(seed: int) -> None:
    labels = painted()[:120]
    how = replace(STILL, colour=0.5, gray=0.5)
    _, moved, _ = augment(CELEB.palette[labels], labels, 120, how, CELEB, np.random.default_rng(seed))
    assert (moved == labels).all()


@pytest.mark.parametrize("seed", range(5))
def test_what_hides_a_face_is_background(seed: int) -> None:
    labels = painted()[:120]
    image, moved, _ = augment(
        CELEB.palette[labels], labels, 120, replace(STILL, occlude=1), CELEB, np.random.default_rng(seed)
    )
    changed = moved != labels
    assert (moved[changed] == 0).all()
    assert (image == CELEB.palette[labels])[~changed & (labels != 0)].all()


def test_a_mirrored_view_swaps_sides() -> None:
    rng = np.random.default_rng(0)
    image, labels = rng.integers(0, 256, (64, 64, 3), np.uint8), rng.integers(0, 19, (64, 64), np.uint8)
    seen, moved, _ = augment(image, labels, 64, replace(STILL, flip=1), CELEB, rng)
    assert (seen == image[:, ::-1]).all()
    assert (moved == CELEB.flip(labels)).all()


def test_a_random_crop_reaches_every_corner_and_shows_no_border() -> None:
    rows, columns = np.mgrid[:100, :100].astype(np.uint8)
    image = np.dstack([rows, columns, rows])
    corners = np.zeros(4, bool)
    for seed in range(60):
        how = replace(STILL, scale=(2, 2), crop=True)
        seen, moved, _ = augment(
            image, np.ones((100, 100), np.uint8), 100, how, CELEB, np.random.default_rng(seed)
        )
        assert (moved == 1).all()
        corners |= [
            seen[..., 0].min() < 8,
            seen[..., 0].max() > 91,
            seen[..., 1].min() < 8,
            seen[..., 1].max() > 91,
        ]
    assert corners.all()
