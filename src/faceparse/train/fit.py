"""Run a training from its settings."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import Logger, TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException, SIGTERMException

from faceparse.data import open_dataset
from faceparse.data.cache import cache
from faceparse.data.dataset import Dataset
from faceparse.data.derived import Concatenated, Cropped
from faceparse.data.unlabelled import Unlabelled
from faceparse.errors import ConfigError, FaceparseError, MissingExtraError, OutputError
from faceparse.files import make_folder, write_atomic
from faceparse.labels import scheme as find_scheme
from faceparse.labels.scheme import Scheme
from faceparse.train.callbacks import (
    Average,
    KeepBest,
    KeepLast,
    Pictures,
    StepProfile,
    StopBetweenSteps,
    WholeFiles,
)
from faceparse.train.datamodule import ParsingData, Source
from faceparse.train.module import ParsingModule
from faceparse.train.provenance import describe
from faceparse.train.runlog import run_log
from faceparse.train.settings import Settings
from faceparse.train.start import starting_network
from faceparse.train.teacher import Teachers
from faceparse.weights.merging import result_scheme

log = logging.getLogger(__name__)

ONE_VALUE = "more than 1 value per channel"
"""In torch's words for batch norms that see one value; two tests hold these two, for torch has no types for them."""
PEER_GONE = "Connection"
"""In gloo's words for another process that has ended."""
_WORKERS = ("torch.utils.data.dataloader", "torch.utils.data._utils.signal_handling")
"""Modules that raise a RuntimeError where a process that reads pictures has ended."""


def fit(settings: Settings) -> Path:
    """Train and return the path of the best checkpoint by validation mean F1.

    Writes into `settings.output`: `best.ckpt`, `last.ckpt` (to resume from; also when the run is broken off),
    `settings.json`, `log/metrics.csv` and `tensorboard/`. The moving average of the weights is what is validated, and
    what a checkpoint's `state_dict` holds.

    Raises:
        DataError: the data set is not as its layout says.
        WeightsError: a backbone, part or checkpoint to start or resume from that is none, or another network's.
        DownloadError: ImageNet weights that cannot be had.
        ConfigError: class weights of another length than the scheme; sizes that the network does not take; a
            Trainer option that Lightning refuses.
        OutputError: a place that cannot be written to, or that holds another run.
        FaceparseError: the loss is not finite; not one step was made, or not one picture validated.
    """
    kept = settings.output / "last.ckpt"
    if settings.resume is None and kept.exists():
        raise OutputError(
            f"{settings.output} holds a run already: name another --output, or go on with it by --resume {kept}"
        )
    make_folder(settings.output)
    module, data = prepare(settings)
    about = json.dumps(module.about, indent=2) + "\n"
    write_atomic(settings.output / "settings.json", about.encode())
    profile = StepProfile()
    often = max(1, min(20, len(data.train) // settings.batch_size))  # a short epoch has its line too
    trainer = _trainer(settings, result_scheme(find_scheme(settings.scheme)), profile, often)
    best: Any = trainer.checkpoint_callbacks[0]
    try:
        trainer.fit(module, datamodule=data, ckpt_path=settings.resume, weights_only=True)
    except FaceparseError as error:
        # A worker process sends its error as a traceback in text; what it said is the last line.
        said = str(error).strip().splitlines()[-1]
        raise type(error)(said.removeprefix(f"{type(error).__module__}.{type(error).__name__}: ")) from error
    except MisconfigurationException as error:
        raise ConfigError(f"--trainer: {' '.join(str(error).split())[:300]}") from error
    except ValueError as error:
        if ONE_VALUE in str(error):
            raise ConfigError(
                f"{settings.network} has batch norms that see one value a channel, of which there is no statistic: "
                "raise --batch_size to 2 or more, or give --optimizer.frozen_norm true"
            ) from error
        if _origin(error).startswith("pytorch_lightning"):
            raise ConfigError(f"--trainer: {' '.join(str(error).split())[:300]}") from error
        raise
    except torch.OutOfMemoryError as error:
        raise FaceparseError(
            "the device's memory is full: lower --batch_size (and accumulate: --trainer.accumulate_grad_batches) or "
            "--sizes, or give --trainer.precision bf16-mixed"
        ) from error
    except RuntimeError as error:
        if _origin(error) in _WORKERS:
            if trainer.received_sigterm:  # it went to the workers too, who were quicker
                raise SIGTERMException from error
            raise FaceparseError(
                f"a process that reads pictures has ended ({str(error).strip().rstrip('.')}): if it was for want of memory, "
                f"lower --data.workers; go on with --resume {kept}"
            ) from error
        if trainer.world_size > 1 and PEER_GONE in str(error):
            raise FaceparseError("another process of this run has stopped: it says why") from error
        raise
    if settings.profile:
        log.warning("where a step's time goes:\n%s", profile.table())
    if not best.best_model_path:
        raise FaceparseError(
            "no epoch was trained and validated, so there is no best checkpoint: look at --epochs, and at "
            "--trainer.limit_train_batches, limit_val_batches and fast_dev_run"
        )
    return Path(best.best_model_path)


def _origin(error: Exception) -> str:
    """The module whose code raised an error."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"])


def prepare(settings: Settings) -> tuple[ParsingModule, ParsingData]:
    """What a run trains, and on what; raises as `fit` does."""
    pl.seed_everything(settings.seed, verbose=False)
    scheme = find_scheme(settings.scheme)
    learned = result_scheme(scheme)
    weights = settings.loss.class_weights
    if weights is not None and len(weights) != len(learned):
        raise ConfigError(
            f"loss.class_weights has {len(weights)} factors, scheme {learned.name} {len(learned)} classes"
        )
    about = describe(settings)
    network = starting_network(settings)
    if network.needs_landmarks and settings.augmentation.scene:
        raise ConfigError(
            f"{settings.network} warps by landmarks, which made scenes have none of: set augmentation.scene to 0"
        )
    if settings.augmentation.scene and "cloth" not in learned.classes:
        raise ConfigError(
            f"made scenes continue what is labelled cloth, and scheme {learned.name} has no such class: "
            "set augmentation.scene to 0"
        )
    data = _data(settings, learned, network.needs_landmarks)
    teachers = None
    if settings.teachers:
        teachers = Teachers(settings.teachers, learned, settings.agree, data.open_classes)
    module = ParsingModule(
        network,
        scheme,
        preprocessing=settings.preprocessing,
        loss=settings.loss,
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        names=data.train.names,
        about=about,
        seed=settings.seed,
        teachers=teachers,
        open_classes=data.open_classes,
        compiled=settings.compile,
    )
    return module, data


def _data(settings: Settings, scheme: Scheme, landmarks: bool) -> ParsingData:
    data = settings.data
    train: Dataset = open_dataset(data.kind, data.root, data.train, data.scheme)
    val: Dataset = open_dataset(data.kind, data.root, data.val, data.scheme)
    shared = set(train.names) & set(val.names)
    if shared:
        log.warning(
            "%d of %d validation pictures are training pictures too: the figure flatters",
            len(shared),
            len(val),
        )
    if data.unlabelled is not None:
        if not settings.teachers:
            raise ConfigError(
                "data.unlabelled needs a teacher to label its pictures: give --teachers.NAME.model"
            )
        train = Concatenated(train, Unlabelled(data.unlabelled, train.scheme))
    more: dict[str, Dataset] = {
        name: open_dataset(of.kind, of.root, of.train, of.scheme) for name, of in data.also.items()
    }
    if data.cache is not None:
        train, val = cache(train, data.cache), cache(val, data.cache)
        more = {name: cache(dataset, data.cache) for name, dataset in more.items()}
    if data.crop:
        train, val = Cropped(train), Cropped(val)
    return ParsingData(
        train,
        val,
        scheme,
        also=[Source(more[name], of.share, of.portraits) for name, of in data.also.items()],
        sizes=settings.sizes,
        how=settings.augmentation,
        preprocessing=settings.preprocessing,
        landmarks=landmarks,
        teach=bool(settings.teachers),
        rare=settings.rare,
        batch_size=settings.batch_size,
        workers=data.workers,
        seed=settings.seed,
    )


def _trainer(settings: Settings, scheme: Scheme, profile: StepProfile, often: int) -> pl.Trainer:
    output = settings.output
    best = KeepBest(output)
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
    callbacks.append(StopBetweenSteps())  # after what keeps a run, which a third Ctrl-C must not break off
    loggers: list[Logger] = [run_log(output, settings.resume)]
    if settings.tensorboard:
        try:
            loggers.append(TensorBoardLogger(output, "tensorboard", version=""))
        except ModuleNotFoundError:
            raise MissingExtraError("tensorboard", "train", "--tensorboard true") from None
    options: dict[str, Any] = {
        "num_sanity_val_steps": 0,
        "log_every_n_steps": often,
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
