"""Progress as lines of text, for output without a terminal."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar


class Lines(ProgressBar):
    """Prints loss, learning rate, images per second and time left every `log_every_n_steps` steps.

    Args:
        batch_size: Pictures per batch and process.
    """

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self._batch_size, self._silent = batch_size, False

    def disable(self) -> None:  # Lightning calls this in all processes but the first
        self._silent = True

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        self._total = int(trainer.estimated_stepping_batches)
        self._begin = self._last = trainer.global_step
        self._start = time.perf_counter()
        self.on_train_epoch_start()  # Lightning skips this call if a run resumes within an epoch

    def on_train_epoch_start(self, *_: Any) -> None:
        self._mark, self._images = time.perf_counter(), 0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._images += self._batch_size * trainer.world_size
        step = trainer.global_step
        if self._silent or step == self._last or step % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        now = time.perf_counter()
        left = (now - self._start) / (step - self._begin) * (self._total - step)
        rate = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        loss = trainer.callback_metrics["train/loss"]
        self.print(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}, step {step}/{self._total}: loss {loss:.4f}, "
            f"rate {rate:.3g}, {self._images / (now - self._mark):.1f} images/s, "
            f"{timedelta(seconds=round(left))} left"
        )
        self._mark, self._images, self._last = now, 0, step
