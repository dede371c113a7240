"""Predictions to look at in TensorBoard, after every validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import TensorBoardLogger

from faceparse.labels import Scheme
from faceparse.train.datamodule import Batch


class Pictures(Callback):
    """Logs picture, labels and prediction side by side, of the first validation pictures.

    Args:
        scheme: Gives the colours.
        count: How many pictures.
    """

    def __init__(self, scheme: Scheme, count: int = 8) -> None:
        self._palette = np.zeros((256, 3), np.uint8)
        self._palette[: len(scheme)] = scheme.palette[: len(scheme)]
        self._palette[255] = 128  # ignored
        self._count = count
        self._rows: list[NDArray[np.uint8]] = []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if trainer.is_global_zero and batch_idx < self._count:
            module: Any = pl_module
            image = batch.image[0].permute(1, 2, 0).cpu().numpy()
            height, width = image.shape[:2]
            maps = [image]
            for labels in (batch.labels[0], module.predicted(batch)[0]):
                rows = np.arange(height) * labels.shape[0] // height
                columns = np.arange(width) * labels.shape[1] // width
                maps.append(self._palette[labels.cpu().numpy()[rows[:, None], columns]])
            self._rows.append(np.hstack(maps))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                for i, row in enumerate(self._rows):
                    name = f"val/{i}: picture, labels, prediction"
                    logger.experiment.add_image(name, row, trainer.global_step, dataformats="HWC")
        self._rows = []
