"""Random views: image and labels move together."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.errors import ConfigError
from faceparse.labels import scheme
from faceparse.train.augment import Augmentation, augment
from faceparse.train.covers import cover
from faceparse.train.paste import Donors

pytest.importorskip("torch")
from faceparse.train.sampling import labels_present

CELEB = scheme("celebamask19")
STILL = Augmentation(flip=0, rotate=0, scale=(1, 1), shift=0, colour=0, gray=0, blur=0, jpeg=0)


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
    sample = augment(image, labels, 64, STILL, CELEB, rng)
    assert (sample.image == image).all()
    assert (sample.labels == labels).all()
    assert sample.genuine.all()


EACH: dict[str, dict[str, Any]] = {
    "flip": {"flip": 1},
    "rotate": {"rotate": 25},
    "scale": {"scale": (0.6, 1.8)},
    "shift": {"shift": 0.2},
    "crop": {"scale": (1.5, 2), "crop": True},
    "aspect": {"aspect": 1.5},
    "rare turns": {"rotate": (5, 60)},
    "blur": {"blur": 1},
    "jpeg": {"jpeg": 1},
    "scene": {"scene": 1},
    "all": {"flip": 0.5, "rotate": 15, "scale": (0.75, 1.35), "shift": 0.08, "scene": 0.5},
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", EACH)
def test_image_and_labels_move_together(name: str, seed: int) -> None:
    """Labels painted in their colours and moved as a picture land where the moved labels say."""
    labels = painted()
    rng = np.random.default_rng(seed)
    how = replace(STILL, **EACH[name])
    image, moved = augment(CELEB.palette[labels], labels, 128, how, CELEB, rng)[:2]
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
    sample = augment(CELEB.palette[labels], labels, 120, how, CELEB, np.random.default_rng(seed))
    assert (sample.labels == labels).all()


@pytest.mark.parametrize("fault", ["blur", "shrink", "noise", "jpeg", "dark", "gamma", "gray"])
def test_a_fault_spoils_the_image_alone(fault: str) -> None:
    labels = painted()[:120]
    picture = CELEB.palette[labels]
    spoilt = 0.0
    for seed in range(8):
        odds: dict[str, Any] = {fault: 1.0}
        sample = augment(picture, labels, 120, replace(STILL, **odds), CELEB, np.random.default_rng(seed))
        assert (sample.labels == labels).all()
        assert (sample.clean == picture).all()
        assert sample.genuine.all()
        spoilt += np.abs(sample.image.astype(float) - picture).mean()
        if fault == "dark":
            assert sample.image.mean() < 0.65 * picture.mean()
    assert spoilt > 1


def test_strengths_go_with_the_size() -> None:
    """What a blur leaves of a step in the middle spans the same part of a small and a large sample."""
    step = np.zeros((448, 448, 3), np.uint8)
    step[:, 224:] = 200
    how = replace(STILL, blur=1.0)
    for seed in range(8):
        small, large = (
            augment(step, step[..., 0], size, how, CELEB, np.random.default_rng(seed)).image
            for size in (112, 448)
        )
        soft = [((i[50] > 20) & (i[50] < 180)).all(-1).mean() for i in (small, large)]
        assert soft[0] == pytest.approx(soft[1], abs=0.03)


@pytest.mark.parametrize("seed", range(25))
def test_what_hides_a_face_is_background(seed: int) -> None:
    labels = painted()[:120]
    picture = CELEB.palette[labels]
    sample = augment(picture, labels, 120, replace(STILL, occlude=1), CELEB, np.random.default_rng(seed))
    hidden = ~sample.genuine
    assert (sample.labels == np.where(hidden, 0, labels)).all()
    assert (sample.clean == picture).all(), "a teacher sees what is under it"
    near = cv2.dilate(hidden.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert (sample.image == picture)[~near].all()


def test_hands_have_the_skins_tone_and_masks_hide_the_mouth() -> None:
    labels = painted()[:120]
    labels[75:95, 52:68] = CELEB.id("nose")
    labels[100:110, 45:75] = CELEB.id("mouth")
    picture = CELEB.palette[labels]
    picture[labels == CELEB.id("skin")] = skin = np.array([200, 150, 120], np.uint8)
    mouth, eyes = (np.isin(labels, CELEB.ids(name)) for name in ("mouth", "eyes"))
    masks = tones = 0
    for seed in range(60):
        image, hidden = cover(picture, labels, CELEB, np.random.default_rng(seed))
        masks += bool(hidden[mouth].all() and not hidden[eyes].any())
        if hidden.sum() > 50:
            colour = image[hidden].mean(0)
            tones += np.ptp(colour / skin) < 0.12 and 0.4 < (colour / skin).mean() < 1.3
    assert masks > 3
    assert tones > 10


def test_a_plain_border_is_background() -> None:
    labels = np.full((100, 100), CELEB.id("skin"), np.uint8)
    picture = np.full((100, 100, 3), 128, np.uint8)
    how = replace(STILL, border=1, scale=(0.5, 0.5))
    sample = augment(picture, labels, 100, how, CELEB, np.random.default_rng(3))
    assert (sample.labels[:20] == 0).all()
    assert (sample.labels[40:60, 40:60] == CELEB.id("skin")).all()
    assert (sample.genuine == (sample.labels > 0)).all()
    assert len(np.unique(sample.image[:20].reshape(-1, 3), axis=0)) == 1


def test_one_sample_in_ten_is_turned_further() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    labels = np.zeros((64, 64), np.uint8)
    points = np.array([[20.0, 32], [44, 32], [32, 40], [24, 50], [40, 50]])
    angles = []
    for seed in range(300):
        how = replace(STILL, rotate=(10.0, 60.0))
        moved = augment(image, labels, 64, how, CELEB, np.random.default_rng(seed), points).landmarks
        assert moved is not None
        angles.append(abs(np.degrees(np.arctan2(*(moved[1] - moved[0])[::-1]))))
    assert max(angles) < 60
    assert 0.04 < np.mean(np.array(angles) > 10) < 0.14


class Two:
    """One portrait with a hat, glasses, a necklace and an earring, and one without."""

    scheme = CELEB
    names = ("bare", "dressed")

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(2))

    def labels(self, index: int) -> NDArray[np.uint8]:
        labels = painted()
        if index:
            labels[:30] = CELEB.id("hat")
            labels[52:60, 30:90] = CELEB.id("eye_g")
            labels[125:135, 30:90] = CELEB.id("neck_l")
            labels[90:110, 5:15] = CELEB.id("ear_r")
        return labels

    def __getitem__(self, index: int) -> Sample:
        labels = self.labels(index)
        return Sample(self.names[index], CELEB.palette[labels], labels)


def test_rare_things_are_pasted_from_one_portrait_into_another() -> None:
    data = Two()
    donors = Donors(data, labels_present(data), CELEB)
    pasted = set()
    for seed in range(30):
        image, labels = data[0].image.copy(), data[0].labels.copy()
        where = donors.paste(image, labels, np.random.default_rng(seed))
        assert (labels == painted())[~where].all()
        pasted |= {name for name in ("hat", "eye_g", "neck_l", "ear_r") if CELEB.id(name) in labels[where]}
        inside = cv2.erode(where.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        # A necklace is made as bright as the neck; a mirrored eye has the other one's name and keeps its colour.
        inside &= ~np.isin(labels, [CELEB.id("neck_l"), *CELEB.ids("eyes")])
        assert (np.abs(image.astype(int) - CELEB.palette[labels]).max(-1) < 90)[inside].all()
    assert pasted == {"hat", "eye_g", "neck_l", "ear_r"}
    dressed = data[1]
    for of in (donors, Donors(data, np.zeros((2, 256), bool), CELEB)):  # it wears them all; nobody wears any
        assert not of.paste(dressed.image, dressed.labels, np.random.default_rng(0)).any()


def test_a_pasted_thing_is_not_genuine_and_the_dataset_stays() -> None:
    data = Two()
    donors = Donors(data, labels_present(data), CELEB)
    bare = data[0]
    before = bare.image.copy()
    rng = np.random.default_rng(1)
    sample = augment(bare.image, bare.labels, 160, replace(STILL, paste=1), CELEB, rng, donors=donors)
    assert (bare.image == before).all()
    assert not sample.genuine.all()
    squeezed = augment(bare.image, bare.labels, 160, STILL, CELEB, rng)
    assert (sample.labels == squeezed.labels)[sample.genuine].mean() > 0.99


def test_a_mirrored_view_swaps_sides() -> None:
    rng = np.random.default_rng(0)
    image, labels = rng.integers(0, 256, (64, 64, 3), np.uint8), rng.integers(0, 19, (64, 64), np.uint8)
    seen, moved = augment(image, labels, 64, replace(STILL, flip=1), CELEB, rng)[:2]
    assert (seen == image[:, ::-1]).all()
    assert (moved == CELEB.flip(labels)).all()


def test_a_random_crop_reaches_every_corner_and_shows_no_border() -> None:
    rows, columns = np.mgrid[:100, :100].astype(np.uint8)
    image = np.dstack([rows, columns, rows])
    corners = np.zeros(4, bool)
    for seed in range(60):
        how = replace(STILL, scale=(2, 2), crop=True)
        ones = np.ones((100, 100), np.uint8)
        seen, moved = augment(image, ones, 100, how, CELEB, np.random.default_rng(seed))[:2]
        assert (moved == 1).all()
        corners |= [
            seen[..., 0].min() < 8,
            seen[..., 0].max() > 91,
            seen[..., 1].min() < 8,
            seen[..., 1].max() > 91,
        ]
    assert corners.all()


def test_ranges_are_checked_in_python_too() -> None:
    for wrong in (
        {"dark": 1.5},
        {"blur": 0.6, "shrink": 0.6},
        {"rotate": (5, -1)},
        {"aspect": 0.5},
        {"scale": (2, 1)},
    ):
        with pytest.raises(ConfigError, match="augmentation"):
            replace(STILL, **wrong)
