"""Checkpoint files: written atomically, and kept when a run is interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities.exceptions import SIGTERMException

from faceparse.errors import FaceparseError
from faceparse.files import atomic


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint to a temporary file and then moves it: a full disk destroys no older checkpoint."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint.

        Raises:
            OutputError: no space or no permission; an older file of the same name stays unchanged.
        """
        with atomic(Path(path), overwrite=True, make_folder=True) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:  # torch's error for a full disk
                free = shutil.disk_usage(temporary.parent).free / 1e6
                raise OSError(
                    f"{free:,.0f} MB are free there; torch says {str(error).splitlines()[0]}"
                ) from error


class KeepBest(ModelCheckpoint):
    """Keeps `best.ckpt` by validation mean F1; a run resumed in another folder takes a copy along."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "best", monitor="val/mean_f1", mode="max", enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from the state in a checkpoint."""
        best, here = Path(state_dict["best_model_path"]), Path(str(self.dirpath)) / "best.ckpt"
        if state_dict["dirpath"] != self.dirpath:  # the folder was moved, or the run has another one
            if best.is_file() and not here.exists():
                with atomic(here, make_folder=True) as temporary:
                    shutil.copyfile(best, temporary)
            if here.is_file():
                paths = {
                    "dirpath": self.dirpath,
                    "best_model_path": str(here),
                    "kth_best_model_path": str(here),
                }
                score = state_dict["best_model_score"]
                state_dict = {**state_dict, **paths, "best_k_models": {str(here): score}}
        super().load_state_dict(state_dict)


class KeepLast(Callback):
    """Writes `last.ckpt` when Ctrl-C, SIGTERM or an error stops a run, so that the run can resume there.

    It writes nothing after an error of faceparse, such as a loss that is not finite: the older checkpoint is
    then worth more. With several processes it writes only after SIGTERM, which stops all of them: saving is
    collective, so a process that fails alone would wait for the others forever.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "last.ckpt"

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        together = trainer.world_size == 1 or isinstance(exception, SIGTERMException)
        if trainer.global_step and together and not isinstance(exception, FaceparseError):
            trainer.save_checkpoint(self._path)
