"""Run a training from its settings."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from faceparse.data import open_dataset
from faceparse.data.cache import cached
from faceparse.data.dataset import Dataset
from faceparse.data.unlabelled import Joined, Unlabelled
from faceparse.errors import ConfigError, FaceparseError, MissingExtraError
from faceparse.files import make_folder, write_whole
from faceparse.labels import scheme as find_scheme
from faceparse.labels.scheme import Scheme
from faceparse.models.loading import load
from faceparse.models.registry import Network
from faceparse.models.registry import network as find_network
from faceparse.train.callbacks import Average, KeepLast, Pictures, StepProfile, WholeFiles
from faceparse.train.datamodule import ParsingData
from faceparse.train.module import ParsingModule
from faceparse.train.provenance import describe
from faceparse.train.resume import check_resume
from faceparse.train.settings import Settings
from faceparse.train.teacher import Teacher
from faceparse.weights.checkpoint import read_checkpoint

log = logging.getLogger(__name__)


def fit(settings: Settings) -> Path:
    """Train and return the path of the best checkpoint by validation mean F1.

    Writes into `settings.output`: `best.ckpt`, `last.ckpt` (to resume from; also when the run is broken off),
    `settings.json`, `log/metrics.csv` and `tensorboard/`. The moving average of the weights is what is validated, and
    what a checkpoint's `state_dict` holds.

    Raises:
        DataError: the data set is not as its layout says.
        WeightsError: a trunk or a checkpoint to start or resume from that is none, or another network's.
        ConfigError: class weights of another length than the scheme; a Trainer option that Lightning refuses.
        OutputError: a place that cannot be written to.
        FaceparseError: the loss is not finite; not one step was made, or not one picture validated.
    """
    make_folder(settings.output)
    module, data = prepare(settings)
    about = json.dumps(module.about, indent=2) + "\n"
    write_whole(settings.output / "settings.json", about.encode())
    profile = StepProfile()
    trainer = _trainer(settings, find_scheme(settings.scheme), profile)
    best: Any = trainer.checkpoint_callbacks[0]
    try:
        trainer.fit(module, datamodule=data, ckpt_path=settings.resume, weights_only=True)
    except FaceparseError as error:
        # A worker process sends its error as a traceback in text; what it said is the last line.
        said = str(error).strip().splitlines()[-1]
        raise type(error)(said.removeprefix(f"{type(error).__module__}.{type(error).__name__}: ")) from error
    if settings.profile:
        log.warning("where a step's time goes:\n%s", profile.table())
    if not best.best_model_path:
        raise FaceparseError(
            "no epoch was trained and validated, so there is no best checkpoint: look at --epochs, and at "
            "--trainer.limit_train_batches, limit_val_batches and fast_dev_run"
        )
    return Path(best.best_model_path)


def prepare(settings: Settings) -> tuple[ParsingModule, ParsingData]:
    """What a run trains, and on what; raises as `fit` does."""
    pl.seed_everything(settings.seed, verbose=False)
    scheme = find_scheme(settings.scheme)
    weights = settings.loss.class_weights
    if weights is not None and len(weights) != len(scheme):
        raise ConfigError(
            f"loss.class_weights has {len(weights)} factors, scheme {scheme.name} {len(scheme)} classes"
        )
    about = describe(settings)
    network = _network(settings, scheme)
    teacher = None if settings.teacher is None else Teacher(settings.teacher, scheme)
    data = _data(settings, scheme)
    module = ParsingModule(
        network,
        scheme,
        mean=settings.mean,
        std=settings.std,
        loss=settings.loss,
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        names=data.train.names,
        about=about,
        seed=settings.seed,
        teacher=teacher,
        compiled=settings.compile,
    )
    return module, data


def _network(settings: Settings, scheme: Scheme) -> Network:
    import torch

    network = find_network(settings.network).build(num_classes=len(scheme))
    if settings.trunk is not None:
        network.load_trunk(read_checkpoint(settings.trunk).tensors)
    if settings.weights is not None:
        network.load_state_dict(load(settings.network, settings.weights).state_dict())
    if settings.resume is not None:
        check_resume(settings.resume, settings)
    return network.to(memory_format=torch.channels_last)


def _data(settings: Settings, scheme: Scheme) -> ParsingData:
    data = settings.data
    train: Dataset = open_dataset(data.kind, data.root, data.train, data.scheme)
    val: Dataset = open_dataset(data.kind, data.root, data.val, data.scheme)
    if data.unlabelled is not None:
        if settings.teacher is None:
            raise ConfigError("data.unlabelled needs a teacher to label its pictures: give --teacher.model")
        train = Joined(train, Unlabelled(data.unlabelled, train.scheme))
    if data.cache is not None:
        train, val = cached(train, data.cache), cached(val, data.cache)
    return ParsingData(
        train,
        val,
        scheme,
        sizes=settings.sizes,
        how=settings.augmentation,
        rare=settings.rare,
        batch_size=settings.batch_size,
        workers=data.workers,
        seed=settings.seed,
    )


def _trainer(settings: Settings, scheme: Scheme, profile: StepProfile) -> pl.Trainer:
    output = settings.output
    best = ModelCheckpoint(
        output,
        "best",
        monitor="val/mean_f1",
        mode="max",
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )
    # Not `save_last`, which follows the best checkpoint: a resumed run goes on from the last epoch, good or bad.
    last = ModelCheckpoint(output, "last", enable_version_counter=False)
    callbacks: list[pl.Callback] = [best, last, LearningRateMonitor("step")]
    if settings.ema:
        callbacks.append(Average(settings.ema))
    callbacks += [KeepLast(output), Pictures(scheme)]  # after the average, which puts the run's weights back
    if settings.profile:
        callbacks.append(profile)
    if settings.patience is not None:
        callbacks.append(EarlyStopping("val/mean_f1", mode="max", patience=settings.patience))
    loggers: list[Logger] = [CSVLogger(output, "log", version="")]
    if settings.tensorboard:
        try:
            loggers.append(TensorBoardLogger(output, "tensorboard", version=""))
        except ModuleNotFoundError:
            raise MissingExtraError("tensorboard", "train", "--tensorboard true") from None
    options: dict[str, Any] = {
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 20,
        "enable_model_summary": False,
        **settings.trainer,
    }
    try:
        return pl.Trainer(
            max_epochs=settings.epochs,
            callbacks=callbacks,
            logger=loggers,
            plugins=[WholeFiles()],
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,  # ours shares each batch out among the processes
            **options,
        )
    except (TypeError, ValueError, RuntimeError, MisconfigurationException) as error:
        raise ConfigError(f"--trainer: {' '.join(str(error).split())[:300]}") from error
