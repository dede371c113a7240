"""A progress bar that counts epochs from 1."""

from __future__ import annotations

from pytorch_lightning.callbacks import RichProgressBar


class Epochs(RichProgressBar):
    """Lightning's progress bar, which by itself shows `Epoch 0/9` in the first of ten epochs."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}".ljust(len(self.validation_description))
