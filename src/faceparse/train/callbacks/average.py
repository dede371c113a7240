"""A moving average of the weights, which is validated, saved and released."""

from __future__ import annotations

from collections.abc import Callable

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor


def warmed_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Return a moving average whose decay rises from 0.1 to `decay`, so that it soon forgets the random initial weights.

    With a fixed decay of 0.999, they still make up 39 % of the average after three epochs of the default
    recipe.
    """

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        return now * averaged + (1 - now) * current

    return average


class Average(WeightAveraging):
    """Lightning's `WeightAveraging` with a rising decay; it restores the run's weights if validation raises.

    Args:
        decay: Final decay of the average, 0 to 1.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=warmed_average(decay))
        self._swapped = False

    def _swap_models(self, pl_module: LightningModule) -> None:
        super()._swap_models(pl_module)
        self._swapped = not self._swapped

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Restore the run's own weights, so that the next checkpoint holds what a resumed run needs."""
        if self._swapped:
            self._swap_models(pl_module)
