"""The progress bar, which counts epochs from 1."""

from __future__ import annotations

from pytorch_lightning.callbacks import RichProgressBar


class Epochs(RichProgressBar):
    """Lightning's bar, which says `Epoch 0/9` in the first of ten."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}".ljust(len(self.validation_description))
