"""What every recipe holds to: it parses, trains, validates, and its checkpoint knows its preprocessing.

The steps are taken on tiny pictures, by the networks themselves where they are small: SegFace with its smallest
backbone, by the option that users have; FCN-8s with few channels and DINOv3 with one block, by stand-ins under their
names. `test_its_own_network_takes_its_own_size` runs every recipe's real network, at its real size, without numbers
(on torch's meta device).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse import models  # noqa: E402
from faceparse.data import kinds  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.models import training_card  # noqa: E402
from faceparse.train.fit import fit  # noqa: E402
from faceparse.train.losses import Loss  # noqa: E402
from faceparse.train.settings import read_settings, recipes  # noqa: E402
from faceparse.weights.checkpoint import read_checkpoint  # noqa: E402
from tests.data import made  # noqa: E402
from tests.models.small import dinov3_of, small_fcn8s, small_last_ckpt, small_vgg19_dinov3  # noqa: E402
from tests.train.conftest import make_hair  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@dataclass(frozen=True)
class Case:
    """Made data that a recipe takes as it takes the real one, and options that make it small."""

    data: Callable[[Path], Path]
    options: tuple[str, ...] = ()
    small: Callable[[pytest.MonkeyPatch], None] | None = None
    parts: tuple[str, ...] = ()


def celeb(root: Path) -> Path:
    return made.celebamask_hq(root, range(9))


def folder(classes: int) -> Callable[[Path], Path]:
    return lambda root: made.folder(root, classes=classes)


def vgg19(network: str) -> Case:
    return Case(
        lambda root: made.facesynthetics(root, 8),
        ("--data.train", "0-75%", "--data.val", "75-100%", "--backbone", "null"),
        lambda monkeypatch: small_vgg19_dinov3(monkeypatch, network),
        ("dinov3",),
    )


def with_hair(root: Path) -> Path:
    make_hair(root / "hair")
    return made.folder(root, classes=19)


CELEB = ("--data.scheme", "celebamask19")
CASES = {
    "default": Case(folder(19), CELEB),
    "default-finish": Case(folder(19), CELEB),
    "default-tune": Case(
        with_hair,
        (
            *CELEB,
            *("--data.also.hair.root", "{root}/hair", "--teachers.large.model", "default"),
            *(
                "--teachers.large.size",
                "64",
                "--teachers.before.size",
                "64",
                "--trainer.precision",
                "32-true",
            ),
        ),
    ),
    "default-short": Case(folder(19), CELEB),
    "default-short-finish": Case(folder(19), CELEB),
    "bisenet-resnet18": Case(folder(19)),
    "bisenet-resnet34": Case(folder(19)),
    "segface-celeb": Case(celeb, ("--network", "segface-celeb-mobilenet", "--backbone", "null")),
    "segface-lapa": Case(made.lapa, ("--network", "segface-lapa-mobilenet", "--backbone", "null")),
    "segface-helen": Case(
        made.helen,
        (
            "--network",
            "segface-helen-mobilenet",
            "--backbone",
            "null",
            "--data.train",
            "0-50%",
            "--data.val",
            "50-100%",
        ),
    ),
    "vgg19-dinov3-vitl16": vgg19("vgg19-dinov3-vitl16"),
    "vgg19-dinov3-vitb16": vgg19("vgg19-dinov3-vitb16"),
    "fcn8s": Case(folder(2), ("--trainer.accumulate_grad_batches", "1"), small_fcn8s),
}
every_recipe = pytest.mark.parametrize("name", sorted(CASES))
QUICK = ("default", "bisenet-resnet18", "fcn8s", "segface-lapa", "vgg19-dinov3-vitb16")


def test_every_recipe_is_tested() -> None:
    assert set(recipes()) == set(CASES)


@every_recipe
def test_it_parses_and_names_what_there_is(name: str) -> None:
    settings = read_settings(["--recipe", name, "--data.root", "data"])
    assert settings.data.kind in kinds()
    assert settings.network in models.networks()
    own = models.network(settings.network)
    assert len(scheme(settings.scheme)) == len(scheme(own.scheme))
    assert recipes()[name].read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in sorted(CASES)]
)
def test_it_takes_two_steps_and_validates(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    if case.small is not None:
        case.small(monkeypatch)
    parts = []
    for part in case.parts:
        torch.save(dinov3_of(small_last_ckpt()), tmp_path / f"{part}.pth")
        parts += [f"--parts.{part}", str(tmp_path / f"{part}.pth")]
    root, out = case.data(tmp_path / "data"), tmp_path / "run"
    options = [option.format(root=root) for option in case.options]
    settings = read_settings(
        ["--recipe", name, "--data.root", str(root), "--data.workers", "0", "--output", str(out), "--batch_size", "2",
         "--sizes", "[[0, 64]]", "--epochs", "2", "--trainer.limit_train_batches", "1", *options, *parts]
    )  # fmt: skip
    best = fit(settings)
    assert torch.load(out / "last.ckpt", weights_only=True)["global_step"] == 2
    assert list((out / "tensorboard").glob("events*"))
    header, *rows = (out / "log" / "metrics.csv").read_text().splitlines()
    column = header.split(",").index("val/mean_f1")
    assert all(0 <= float(row.split(",")[column]) <= 100 for row in rows if row.split(",")[column])
    assert sum(bool(row.split(",")[column]) for row in rows) == 2

    network = models.load(settings.network, best)
    card = training_card(read_checkpoint(best), settings.network, network, "mine")
    wanted = settings.preprocessing
    for field in ("size", "mean", "std", "interpolation", "channels", "scale"):
        assert getattr(card.input, field) == getattr(wanted, field), field
    assert card.input.warp == ("lapa" if network.needs_landmarks else "")
    assert card.scheme == settings.scheme


@every_recipe
def test_its_own_network_takes_its_own_size(name: str) -> None:
    settings = read_settings(["--recipe", name, "--data.root", "data"])
    classes, size = len(scheme(settings.scheme)), settings.size
    with torch.device("meta"):
        network: Any = models.build(settings.network, num_classes=classes).train()
        logits = network.training_logits(torch.empty(2, 3, size, size))
    assert {tuple(x.shape) for x in logits} == {(2, classes, size, size)}
    if settings.loss.auxiliary != 1:
        assert len(logits) > 1


PUBLISHED: dict[str, dict[str, Any]] = {
    **{
        f"segface-{data}": {
            "epochs": 300, "batch_size": 4, "size": 512, "interpolation": "bicubic", "optimizer.name": "adamw",
            "optimizer.learning_rate": 1e-4, "optimizer.weight_decay": 1e-5, "schedule.name": "step",
            "schedule.milestones": [80, 200], "schedule.factor": 0.1, "loss.cross_entropy": 0.5, "loss.dice": 0.5,
            "ema": 0, "scheme": own, "data.kind": kind,
        }
        for data, own, kind in (
            ("celeb", "segface-celeb19", "celebamask-hq"), ("lapa", "lapa11", "lapa"), ("helen", "helen11", "helen"),
        )
    },
    **{
        f"vgg19-dinov3-{vit}": {
            "size": 512, "optimizer.name": "adamw", "optimizer.learning_rate": 1e-3, "optimizer.weight_decay": 1e-4,
            "schedule.name": "cosine", "schedule.last_rate": 1e-6, "loss.cross_entropy": 1, "loss.auxiliary": 0.4,
            "loss.auxiliary_mean": True, "augmentation.scale": (0.75, 1.25), "augmentation.crop": True,
            "augmentation.flip": 0.5, "augmentation.rotate": 10, "augmentation.colour": 0.2, "augmentation.hue": 0.1,
            "scheme": own, "ema": 0,
        }
        for vit, own in (("vitl16", "ourface11"), ("vitb16", "synthface19"))
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_carries_the_published_settings(name: str) -> None:
    settings = read_settings(["--recipe", name, "--data.root", "data"])
    for path, value in PUBLISHED[name].items():
        found: Any = settings
        for key in path.split("."):
            found = getattr(found, key)
        assert found == value, path
    assert settings.backbone == "imagenet"


def test_lapas_views_and_the_19_classes_precision() -> None:
    lapa = read_settings(["--recipe", "segface-lapa", "--data.root", "data"]).augmentation
    assert (lapa.rotate, lapa.scale, 512 * lapa.shift, lapa.flip) == (30, (0.5, 3), 20, 0)
    large, small = (
        read_settings(["--recipe", f"vgg19-dinov3-{vit}", "--data.root", "data"]).trainer
        for vit in ("vitl16", "vitb16")
    )
    assert (large["precision"], small["precision"]) == ("32-true", "bf16-mixed")
    assert large["gradient_clip_val"] == small["gradient_clip_val"] == 1
    assert Loss(read_settings(["--recipe", "fcn8s", "--data.root", "data"]).loss)
