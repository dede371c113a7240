"""Run a training from its settings."""

from __future__ import annotations

import os
import shutil
import traceback
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import Logger, TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException, SIGTERMException
from rich.console import Console

from faceparse.errors import ConfigError, FaceparseError, OutputError
from faceparse.files import json_bytes, make_folder, write_atomic
from faceparse.labels import scheme as find_scheme
from faceparse.train.callbacks.average import Average
from faceparse.train.callbacks.epochs import Epochs
from faceparse.train.callbacks.keep import KeepBest, KeepLast, WholeFiles
from faceparse.train.callbacks.lines import Lines
from faceparse.train.callbacks.pictures import Pictures
from faceparse.train.callbacks.profile import StepProfile
from faceparse.train.callbacks.stop import StopBetweenSteps
from faceparse.train.datamodule import ParsingData, with_splits
from faceparse.train.module import ParsingModule
from faceparse.train.runlog import run_log
from faceparse.train.settings import Settings
from faceparse.train.start import starting_network
from faceparse.weights.merging import result_scheme

ONE_VALUE = "more than 1 value per channel"
"""Part of torch's message on batch norms with one value per channel, which has no error type; a test checks it."""
_WORKERS = ("torch.utils.data.dataloader", "torch.utils.data._utils.signal_handling")
"""Modules that raise a RuntimeError when a data loader's worker process has died."""


def fit(settings: Settings) -> Path:
    """Train and return the path of the best checkpoint by validation mean F1.

    Writes into `settings.output`: `best.ckpt`, `last.ckpt` (to resume from; also written when the run is
    interrupted), `settings.json`, `log/metrics.csv` and `tensorboard/`. Validation uses the moving average of
    the weights, and a checkpoint's `state_dict` holds that average.

    Raises:
        DataError: the data set does not match its layout.
        WeightsError: the file to start or resume from is not a checkpoint, or is one of another network.
        DownloadError: ImageNet weights that cannot be downloaded.
        ConfigError: class weights of another length than the scheme; sizes that the network does not support;
            a Trainer option that Lightning refuses.
        OutputError: a folder that cannot be written, or that holds another run.
        FaceparseError: the loss is not finite; no step was trained, or no picture validated.
    """
    last = settings.output / "last.ckpt"
    if settings.resume is None and last.exists():
        raise OutputError(
            f"{settings.output} holds a run already: name another --output, or continue it with --resume {last}"
        )
    module, data = prepare(settings)
    new = not settings.output.exists()
    try:
        # Even a short epoch logs one line.
        trainer = _trainer(settings, max(1, min(20, len(data.train) // settings.batch_size)))
        make_folder(settings.output)
        write_atomic(settings.output / "settings.json", json_bytes(module.about, indent=2))
        trainer.fit(module, datamodule=data, ckpt_path=settings.resume, weights_only=True)
    except FaceparseError as error:
        # A worker process sends its error as a traceback in text, whose last line is the message.
        *traceback_lines, message = str(error).strip().splitlines()
        if not traceback_lines:
            raise
        kind = type(error)
        raise kind(message.removeprefix(f"{kind.__module__}.{kind.__name__}: ")) from error
    except torch.OutOfMemoryError as error:
        raise FaceparseError(
            "the device's memory is full: lower --batch_size (and accumulate: --trainer.accumulate_grad_batches) or "
            "--sizes, or give --trainer.precision bf16-mixed"
        ) from error
    except (MisconfigurationException, ImportError, TypeError, ValueError, RuntimeError) as error:
        origin = _origin(error)
        if origin.startswith(("pytorch_lightning", "lightning_fabric")):
            raise ConfigError(f"--trainer: {' '.join(str(error).split())[:300]}") from error
        if ONE_VALUE in str(error):
            raise ConfigError(
                f"{settings.network} has batch norms that get only one value per channel, too few for statistics: "
                "raise --batch_size to 2 or more, or give --optimizer.frozen_norm true"
            ) from error
        if origin in _WORKERS:
            if trainer.received_sigterm:  # SIGTERM reached the workers first
                raise SIGTERMException from error
            raise FaceparseError(
                f"a process that reads pictures ended ({str(error).strip().rstrip('.')}): if memory ran out, "
                f"lower --data.workers; continue with --resume {last}"
            ) from error
        raise
    finally:  # a run that fails before its first log line leaves no folder
        if new and not any(path.suffix in (".ckpt", ".csv") for path in settings.output.rglob("*")):
            shutil.rmtree(settings.output, ignore_errors=True)
    best: Any = trainer.checkpoint_callback
    if not best.best_model_path:
        raise FaceparseError(
            "no epoch was trained and validated, so there is no best checkpoint: check --epochs, "
            "--trainer.limit_train_batches and check_val_every_n_epoch"
        )
    return Path(best.best_model_path)


def _origin(error: Exception) -> str:
    """Return the name of the module that raised an error."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"])


def prepare(settings: Settings) -> tuple[ParsingModule, ParsingData]:
    """Return the module to train and its data; raises as `fit` does."""
    settings = with_splits(settings)
    pl.seed_everything(settings.seed, verbose=False)
    scheme = result_scheme(find_scheme(settings.scheme))
    weights = settings.loss.class_weights
    if weights is not None and len(weights) != len(scheme):
        raise ConfigError(f"loss.class_weights has {len(weights)} factors for {len(scheme)} classes")
    network = starting_network(settings)
    if network.needs_landmarks and settings.augmentation.scene:
        raise ConfigError(
            f"{settings.network} warps pictures by landmarks, and synthetic scenes have none: set augmentation.scene to 0"
        )
    if settings.augmentation.scene and "cloth" not in scheme.classes:
        raise ConfigError(
            f"synthetic scenes need the class cloth, which scheme {scheme.name} lacks: "
            "set augmentation.scene to 0"
        )
    data = ParsingData(settings, scheme, network.needs_landmarks)
    return ParsingModule(network, settings, data.train.names, data.open_classes), data


def _trainer(settings: Settings, log_steps: int) -> pl.Trainer:
    output = settings.output
    # Not `save_last`, which saves with the best checkpoint only: a resumed run continues from the last epoch.
    last = ModelCheckpoint(output, "last", enable_version_counter=False)
    callbacks: list[pl.Callback] = [KeepBest(output), last, LearningRateMonitor("step")]
    if settings.ema:
        callbacks.append(Average(settings.ema))
    callbacks.append(KeepLast(output))  # after the average callback, which restores the run's weights
    if settings.profile:
        callbacks.append(StepProfile())
    if settings.patience is not None:
        callbacks.append(EarlyStopping("val/mean_f1", mode="max", patience=settings.patience))
    if settings.trainer.get("enable_progress_bar") is not False:
        callbacks.append(Epochs() if Console().is_terminal else Lines(settings.batch_size))
    loggers: list[Logger] = [run_log(output, settings.resume)]
    if settings.tensorboard:
        loggers.append(TensorBoardLogger(output, "tensorboard", version=""))
        callbacks.append(Pictures(result_scheme(find_scheme(settings.scheme))))
    callbacks.append(
        StopBetweenSteps()
    )  # after the callbacks that save, which a third Ctrl-C must not interrupt
    options: dict[str, Any] = {
        "num_sanity_val_steps": 0,
        "log_every_n_steps": log_steps,
        "enable_model_summary": False,
        **settings.trainer,
    }
    trainer = pl.Trainer(
        max_epochs=settings.epochs,
        callbacks=callbacks,
        logger=loggers,
        plugins=[WholeFiles()],
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # our sampler splits each batch between the processes
        **options,
    )
    count, most = trainer.num_devices, max(2, os.cpu_count() or 1)
    if isinstance(trainer.accelerator, CPUAccelerator) and count > most:
        raise ConfigError(f"--trainer.devices on the CPU is a number of processes, 1 to {most}; got {count}")
    return trainer
