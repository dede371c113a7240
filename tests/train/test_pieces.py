"""Loss, sampling and random views against plain computations."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.data import FolderDataset  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.train.augment import Augmentation, augment  # noqa: E402
from faceparse.train.loader import training_loader  # noqa: E402
from faceparse.train.losses import cross_entropy_dice  # noqa: E402
from faceparse.train.sampling import EpochSampler, repeat_factors  # noqa: E402

pytestmark = pytest.mark.torch
CELEB = scheme("celebamask19")
STILL = Augmentation(flip=0, rotate=0, scale=(1, 1), shift=0, colour=0, gray=0, blur=0, noise=0)


def test_loss_equals_plain_numpy() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 5, 6))
    labels = rng.choice([0, 1, 3, 255], (2, 5, 6))  # class 2 absent, some ignored
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    counted = labels != 255
    b, y, x = np.nonzero(counted)
    cross_entropy = -np.log(p[b, labels[counted], y, x]).mean()
    dice = []
    for c in (0, 1, 3):
        t = labels == c
        dice.append(1 - 2 * p[:, c][t].sum() / (p[:, c][counted].sum() + t.sum()))
    got = cross_entropy_dice(torch.tensor(logits), torch.tensor(labels), dice=0.5)
    assert float(got) == pytest.approx(cross_entropy + 0.5 * np.mean(dice), rel=1e-5)


def test_loss_of_a_sure_right_answer_is_zero() -> None:
    labels = torch.randint(0, 19, (1, 8, 8))
    logits = 100 * torch.nn.functional.one_hot(labels, 19).permute(0, 3, 1, 2).float()
    assert float(cross_entropy_dice(logits, labels)) == pytest.approx(0, abs=1e-6)


def test_still_view_is_the_picture() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3), np.uint8)
    labels = rng.integers(0, 19, (64, 64), np.uint8)
    seen, moved = augment(image, labels, 64, STILL, CELEB, rng)
    assert (seen == image).all()
    assert (moved == labels).all()


@pytest.mark.parametrize("seed", range(8))
def test_image_and_labels_move_together(seed: int) -> None:
    """Labels painted in their colours and moved as a picture land where the moved labels say."""
    labels = np.zeros((160, 120), np.uint8)
    labels[30:120, 20:100] = CELEB.id("skin")
    labels[50:70, 60:90] = CELEB.id("l_eye")
    labels[50:70, 28:52] = CELEB.id("r_eye")
    how = Augmentation(flip=0, colour=0, gray=0, blur=0, noise=0)
    image, moved = augment(CELEB.palette[labels], labels, 128, how, CELEB, np.random.default_rng(seed))
    inside = moved != 255
    assert (np.abs(image.astype(int) - CELEB.palette[moved]).max(-1) < 60)[inside].mean() > 0.97


def test_a_mirrored_view_swaps_sides() -> None:
    rng = np.random.default_rng(0)
    image, labels = rng.integers(0, 256, (64, 64, 3), np.uint8), rng.integers(0, 19, (64, 64), np.uint8)
    seen, moved = augment(image, labels, 64, replace(STILL, flip=1), CELEB, rng)
    assert (seen == image[:, ::-1]).all()
    assert (moved == CELEB.flip(labels)).all()


def test_rare_classes_are_shown_more_often(made_faces: Path) -> None:
    data = FolderDataset(made_faces, "all", "celebamask19")
    factors = repeat_factors(data, 1.0)
    assert factors.tolist() == pytest.approx([1, 1, 1, 2])  # the hat is in one of four pictures
    sampler = EpochSampler(factors, seed=0)
    counts = np.bincount([d.sample for d in sampler], minlength=4)
    assert counts.tolist() == [1, 1, 1, 2]
    assert repeat_factors(data, 0).tolist() == [1, 1, 1, 1]


def test_epochs_differ_and_repeat(made_faces: Path) -> None:
    sampler = EpochSampler(np.ones(50), seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert first == list(sampler)
    assert [d.sample for d in first] != [d.sample for d in second]
    assert sorted(d.sample for d in second) == list(range(50))


@pytest.mark.filterwarnings("ignore")
def test_worker_count_does_not_matter(made_faces: Path) -> None:
    def batches(workers: int) -> list[Any]:
        data = FolderDataset(made_faces, "all", "celebamask19")
        loader = training_loader(
            data, CELEB, [(0, 64)], Augmentation(), rare=0, batch_size=2, workers=workers, seed=5
        )
        return [t for batch in loader for t in batch]

    for a, b in zip(batches(0), batches(2), strict=True):
        assert torch.equal(a, b)
