"""Pictures of predictions in TensorBoard, after every validation."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import TensorBoardLogger

from faceparse.labels import IGNORE, Scheme
from faceparse.train.datamodule import Batch


class Pictures(Callback):
    """Logs picture, labels and prediction of the first validation pictures side by side.

    Args:
        scheme: Scheme that sets the colours.
        count: Number of pictures.
    """

    def __init__(self, scheme: Scheme, count: int = 8) -> None:
        self._palette = scheme.palette.copy()
        self._palette[IGNORE] = 128
        self._count = count

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        *_: Any,
    ) -> None:
        if not trainer.is_global_zero or batch_idx >= self._count:
            return
        module: Any = pl_module
        image = batch.image[0].permute(1, 2, 0).cpu().numpy()
        row = [image]
        for labels in (batch.labels[0], module.predicted(batch)[0]):
            coloured = self._palette[labels.cpu().numpy()]
            row.append(cv2.resize(coloured, image.shape[1::-1], interpolation=cv2.INTER_NEAREST))
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                name = f"val/{batch_idx}: picture, labels, prediction"
                logger.experiment.add_image(name, np.hstack(row), trainer.global_step, dataformats="HWC")
