"""A moving average of the weights: what is validated, saved and released."""

from __future__ import annotations

from collections.abc import Callable

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor


def warmed_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Moving average whose decay rises from 0.1 to `decay`, so that random first weights are soon forgotten.

    With a fixed 0.999 they still make up 39 % of the average after three epochs of the default recipe.
    """

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        return now * averaged + (1 - now) * current

    return average


class Average(WeightAveraging):
    """Lightning's `WeightAveraging` with a warmed decay, which survives an exception in validation.

    Args:
        decay: Of the average, 0 to 1.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=warmed_average(decay))
        self._swapped = False

    def _swap_models(self, pl_module: LightningModule) -> None:
        super()._swap_models(pl_module)
        self._swapped = not self._swapped

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Put the run's own weights back, so that what is saved next is what a resumed run needs."""
        if self._swapped:
            self._swap_models(pl_module)
