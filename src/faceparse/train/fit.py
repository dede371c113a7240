"""Run a training from its settings."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, WeightAveraging
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from faceparse.data import FolderDataset
from faceparse.errors import FaceparseError, WeightsError
from faceparse.labels import scheme as find_scheme
from faceparse.models.loading import load
from faceparse.models.registry import network as find_network
from faceparse.train.loader import training_loader, validation_loader
from faceparse.train.module import ParsingModule
from faceparse.train.settings import Settings
from faceparse.weights.checkpoint import read_checkpoint


def fit(settings: Settings) -> Path:
    """Train and return the path of the best checkpoint by validation mean F1.

    Writes into `settings.output`: `best.ckpt`, `last.ckpt` (to resume from), `settings.json` and
    `log/metrics.csv`. The moving average of the weights is what is validated, and what a checkpoint's
    `state_dict` holds.

    Raises:
        DataError: the data set is not as its layout says.
        WeightsError: a trunk or a checkpoint to resume from that is none, or another network's.
        FaceparseError: the loss is not finite.
    """
    pl.seed_everything(settings.seed, verbose=False)
    scheme = find_scheme(settings.scheme)
    about = describe(settings)
    entry = find_network(settings.network)
    network = entry.build(num_classes=len(scheme)).to(memory_format=torch.channels_last)
    if settings.trunk is not None:
        network.load_trunk(read_checkpoint(settings.trunk).tensors)
    if settings.weights is not None:
        network.load_state_dict(load(settings.network, settings.weights).state_dict())
    if settings.resume is not None:
        _check_resume(settings.resume, settings.network)
    data = settings.data
    train = training_loader(
        FolderDataset(data.root, data.train, data.scheme),
        scheme,
        settings.sizes,
        settings.augmentation,
        rare=settings.rare,
        batch_size=settings.batch_size,
        workers=data.workers,
        seed=settings.seed,
    )
    val = validation_loader(
        FolderDataset(data.root, data.val, data.scheme), scheme, settings.size, workers=data.workers
    )
    module = ParsingModule(
        network,
        scheme,
        mean=settings.mean,
        std=settings.std,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup=settings.warmup,
        dice=settings.dice,
        about=about,
    )
    settings.output.mkdir(parents=True, exist_ok=True)
    (settings.output / "settings.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    best = ModelCheckpoint(
        settings.output,
        "best",
        monitor="val/mean_f1",
        mode="max",
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )
    # Not `save_last`, which follows the best checkpoint: a resumed run goes on from the last epoch, good or bad.
    last = ModelCheckpoint(settings.output, "last", enable_version_counter=False)
    trainer = pl.Trainer(
        max_epochs=settings.epochs,
        precision=settings.precision,  # type: ignore[arg-type]  # a str that Settings checked
        callbacks=[
            best,
            last,
            WeightAveraging(avg_fn=warmed_average(settings.ema)),
            LearningRateMonitor("epoch"),
        ],
        logger=CSVLogger(settings.output, "log", version=""),
        limit_train_batches=settings.limit,
        limit_val_batches=settings.limit,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        deterministic=False,
        enable_model_summary=False,
    )
    try:
        trainer.fit(module, train, val, ckpt_path=settings.resume, weights_only=True)
    except FaceparseError as error:
        # A worker process sends its error as a traceback in text; what it said is the last line.
        said = str(error).strip().splitlines()[-1]
        raise type(error)(said.removeprefix(f"{type(error).__module__}.{type(error).__name__}: ")) from error
    return Path(best.best_model_path)


def _check_resume(checkpoint: Path, network: str) -> None:
    """Refuse what Lightning cannot go on from, before any data is read."""
    about = read_checkpoint(checkpoint).settings
    if about is None:
        raise WeightsError(
            f"{checkpoint} is not a training checkpoint of faceparse: --resume takes last.ckpt"
        )
    if about.get("network") != network:
        raise WeightsError(f"{checkpoint} is of network {about.get('network')}, this run trains {network}")


def warmed_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Moving average whose decay rises from 0.1 to `decay`, so that random first weights are soon forgotten.

    With a fixed 0.999 they still make up 39 % of the average after three epochs of the default recipe.
    """

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        return now * averaged + (1 - now) * current

    return average


def describe(settings: Settings) -> dict[str, Any]:
    """Settings and versions as plain data, kept beside and inside every checkpoint."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings), default=str))
    return {
        "network": settings.network,
        "scheme": settings.scheme,
        "size": settings.size,
        "mean": list(settings.mean),
        "std": list(settings.std),
        "settings": plain,
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "pytorch-lightning": version("pytorch-lightning"),
        },
    }
