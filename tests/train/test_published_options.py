"""What the recipes of the published systems ask of the trainer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse import models  # noqa: E402
from faceparse.data import open_dataset  # noqa: E402
from faceparse.data.landmarks import five_points  # noqa: E402
from faceparse.errors import ConfigError, DataError  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.train.augment import Augmentation, augment  # noqa: E402
from faceparse.train.datamodule import Batch, ParsingData  # noqa: E402
from faceparse.train.fit import fit, prepare  # noqa: E402
from faceparse.train.losses import Loss  # noqa: E402
from faceparse.train.optimise import OptimizerSettings, ScheduleSettings, optimiser, rates  # noqa: E402
from faceparse.train.settings import DataSettings, Settings, read_settings  # noqa: E402
from tests.data import made  # noqa: E402
from tests.models.small import dinov3_of, small_fcn8s, small_last_ckpt, small_vgg19_dinov3  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
STILL = Augmentation(flip=0, rotate=0, scale=(1, 1), shift=0, colour=0, gray=0, blur=0, jpeg=0)
LAPA = scheme("lapa11")


def test_steps_fall_at_their_epochs() -> None:
    rate = rates(ScheduleSettings("step", warmup=0, milestones=[80, 200]), 1e-4, 300 * 7, 7)
    for epoch, wanted in ((0, 1e-4), (79, 1e-4), (80, 1e-5), (199, 1e-5), (200, 1e-6), (299, 1e-6)):
        assert rate(epoch * 7) == rate(epoch * 7 + 6) == pytest.approx(wanted)


def test_a_cosine_ends_where_it_is_told() -> None:
    rate = rates(ScheduleSettings("cosine", warmup=0, last_rate=1e-6), 1e-3, 5000, 50)
    assert rate(0) == pytest.approx(1e-3)
    assert rate(2500) == pytest.approx((1e-3 + 1e-6) / 2, rel=1e-3)
    assert 1e-6 < rate(4999) < 1.01e-6


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "step"}, {"name": "step", "milestones": [3, 2]}, {"name": "step", "milestones": [0]},
        {"factor": 0}, {"last_rate": -1},
    ],
)  # fmt: skip
def test_wrong_schedules_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="schedule"):
        ScheduleSettings(**wrong)


def test_biases_decay_where_asked_for() -> None:
    network: Any = torch.nn.Conv2d(3, 2, 1)
    one, none = optimiser(network, OptimizerSettings(weight_decay=0.1)).param_groups
    assert (one["weight_decay"], none["weight_decay"]) == (0.1, 0)
    (both,) = optimiser(network, OptimizerSettings(weight_decay=0.1, decay_all=True)).param_groups
    assert both["weight_decay"] == 0.1
    assert len(both["params"]) == 2


def test_hue_turns_colours_and_keeps_grays_and_labels() -> None:
    gray = np.repeat(np.arange(0, 250, 10, dtype=np.uint8)[:, None, None], 25, 1).repeat(3, 2)
    labels = np.zeros((25, 25), np.uint8)
    how = replace(STILL, hue=0.2)
    seen = augment(gray, labels, 25, how, LAPA, np.random.default_rng(0))
    assert np.abs(seen.image.astype(int) - gray).max() <= 1
    red = np.full((25, 25, 3), (150, 100, 90), np.uint8)
    turned = augment(red, labels, 25, how, LAPA, np.random.default_rng(0)).image[0, 0].astype(float)
    luma = np.array([0.299, 0.587, 0.114])
    assert turned @ luma == pytest.approx(red[0, 0] @ luma, abs=1.5)
    assert np.abs(turned - red[0, 0]).max() > 10
    assert (augment(red, labels, 25, STILL, LAPA, np.random.default_rng(0)).image == red).all()


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_go_where_the_picture_goes(seed: int) -> None:
    """Five dots painted at the landmarks are found at the moved ones, left still left in the view."""
    points = np.array([[80.0, 60], [125, 64], [100, 85], [84, 110], [120, 112]])
    image = np.zeros((160, 200, 3), np.uint8)
    for i, (x, y) in enumerate(points):
        image[int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3] = 40 * (i + 1)
    how = replace(STILL, rotate=20, scale=(0.8, 1.3), shift=0.04, flip=seed % 2)
    seen = augment(image, np.zeros((160, 200), np.uint8), 256, how, LAPA, np.random.default_rng(seed), points)
    assert seen.landmarks is not None
    order = [1, 0, 2, 4, 3] if seed % 2 else range(5)
    for (x, y), dot in zip(seen.landmarks, order, strict=True):
        patch = seen.image[int(y) - 1 : int(y) + 1, int(x) - 1 : int(x) + 1]
        assert np.abs(patch.astype(int) - 40 * (dot + 1)).max() < 12
    assert seen.landmarks[0, 0] < seen.landmarks[1, 0]


def test_batches_hold_landmarks_where_the_network_needs_them(tmp_path: Path) -> None:
    data = open_dataset("lapa", made.lapa(tmp_path / "LaPa"), "train")

    def parsing_data(settings: DataSettings, landmarks: bool) -> ParsingData:
        run = Settings(settings, scheme="lapa11", sizes=[(0, 64)], augmentation=STILL, batch_size=2)
        return ParsingData(run, LAPA, landmarks)

    lapa = DataSettings(tmp_path / "LaPa", "lapa", train="train", val="train", workers=0)
    sides = 64 / made.PICTURE
    (batch,) = parsing_data(lapa, True).train_dataloader()
    for points, sample in zip(batch.landmarks, batch.sample.tolist(), strict=True):
        wanted = data.landmarks(sample)
        assert wanted is not None
        np.testing.assert_allclose(points, sides * five_points(wanted), rtol=1e-5)
    for validation in parsing_data(lapa, True).val_dataloader():
        wanted = data.landmarks(int(validation.sample))
        assert wanted is not None
        np.testing.assert_allclose(validation.landmarks[0], sides * five_points(wanted), rtol=1e-5)
    (plain,) = parsing_data(lapa, False).train_dataloader()
    assert plain.landmarks.numel() == 0
    faces = DataSettings(
        made.folder(tmp_path / "faces", classes=11), "folder", "lapa11", "all", "all", workers=0
    )
    with pytest.raises(DataError, match=r"images.*has no landmarks"):
        list(parsing_data(faces, True).train_dataloader())


def run(recipe: str, root: Path, *more: str) -> list[str]:
    return ["--recipe", recipe, "--data.root", str(root), "--data.workers", "0", "--batch_size", "2", "--sizes",
            "[[0, 64]]", "--tensorboard", "false", *more]  # fmt: skip


def test_lapas_network_is_trained_and_validated_through_its_warp(tmp_path: Path) -> None:
    options = ("--network", "segface-lapa-mobilenet", "--backbone", "null")
    module, data = prepare(read_settings(run("segface-lapa", made.lapa(tmp_path / "LaPa"), *options)))
    (batch,) = data.train_dataloader()
    module.eval()
    network, image = module.network, module._normalise(batch.image)
    with torch.no_grad():
        logits = network(image, batch.landmarks)
        loss = Loss(module._settings.loss)(logits, batch.labels.long())
        torch.testing.assert_close(module.loss(batch), loss)
        labels = module.predicted(batch)
        assert torch.equal(labels, logits.argmax(1).to(torch.uint8))
        moved = module.predicted(batch._replace(landmarks=batch.landmarks * 1.2))
    assert not torch.equal(labels, moved)


def test_the_warp_keeps_its_precision_under_autocast() -> None:
    torch.manual_seed(0)
    network = models.build("segface-lapa-mobilenet").eval()
    image = torch.randn(1, 3, 128, 128)
    points = torch.tensor([[[52.0, 58], [78, 55], [66, 70], [56, 83], [77, 81]]])
    with torch.no_grad():
        wanted = network(image, points)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(image, points)
    assert found.dtype == torch.float32
    assert (found - wanted).abs().max() < 0.1 * wanted.std()


def test_auxiliary_losses_are_averaged_where_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "vgg19-dinov3-vitl16"
    small_vgg19_dinov3(monkeypatch, name)
    torch.save(dinov3_of(small_last_ckpt()), tmp_path / "dinov3.pth")
    options = ("--backbone", "null", "--parts.dinov3", str(tmp_path / "dinov3.pth"), "--data.train", "0-75%")
    module, data = prepare(
        read_settings(run(name, made.facesynthetics(tmp_path / "s", 8), *options, "--data.val", "75-100%"))
    )
    batch: Batch = next(iter(data.train_dataloader()))
    module.eval()
    target = batch.labels.long()
    with torch.no_grad():
        main, *others = module.network.training_logits(module._normalise(batch.image))
        assert len(others) == 3
        loss = Loss(module._settings.loss)
        wanted = loss(main, target) + 0.4 * sum(loss(x, target) for x in others) / 3
        torch.testing.assert_close(module.loss(batch), wanted)


def test_fcn8s_learns_through_its_strongest_channel_and_keeps_its_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_fcn8s(monkeypatch)
    root, fixed = made.folder(tmp_path / "faces", classes=2), ("scale_", "upscore")
    start = models.build("fcn8s").state_dict()
    torch.save(start, tmp_path / "start.pt")
    words = run("fcn8s", root, "--weights", str(tmp_path / "start.pt"), "--output", str(tmp_path / "run"))
    module, data = prepare(read_settings(words))
    batch: Batch = next(iter(data.train_dataloader()))
    module.eval()
    with torch.no_grad():
        image = batch.image.flip(1).float() - torch.tensor([104.00699, 116.66877, 122.67892]).view(3, 1, 1)
        network: Any = module.network
        p = network.face_probability(image)
        target = batch.labels.long()
        counted = target != 255
        right = torch.where(target == 1, p, 1 - p)[counted]
        torch.testing.assert_close(module.loss(batch), -right.log().mean(), rtol=1e-4, atol=1e-5)
        assert torch.equal(module.predicted(batch), (p > 0.5).to(torch.uint8))
    best = fit(
        read_settings([*words, "--epochs", "2", "--optimizer.learning_rate", "0.01",
                       "--trainer.accumulate_grad_batches", "1"])
    )  # fmt: skip
    for key, value in models.load("fcn8s", best).state_dict().items():
        if key.startswith(fixed):
            assert torch.equal(value, start[key]), key
    assert not torch.equal(models.load("fcn8s", best).state_dict()["fc7.weight"], start["fc7.weight"])
