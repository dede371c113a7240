"""The time of a training step by part (data, forward, backward, optimiser), and whether data loading keeps up."""

from __future__ import annotations

import logging
import time
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)

PARTS = ("data", "forward", "backward", "optimiser")


class StepProfile(Callback):
    """Measures the parts of every step, and the number of batches ready at each step.

    Args:
        skip: Number of warm-up steps at the start that are not measured.
    """

    def __init__(self, skip: int = 3) -> None:
        self._skip = skip
        self._laps: dict[str, list[float]] = {part: [] for part in PARTS}
        self._ready: list[int] = []
        self._room = 0
        self._mark = time.perf_counter()

    @property
    def steps(self) -> int:
        """Number of measured steps."""
        return len(self._laps["optimiser"][self._skip :])

    @property
    def seconds(self) -> dict[str, float]:
        """Part → seconds over all measured steps."""
        return {part: sum(laps[self._skip :]) for part, laps in self._laps.items()}

    def _lap(self, part: str, module: LightningModule) -> None:
        if module.device.type == "cuda":
            torch.cuda.synchronize(module.device)
        now = time.perf_counter()
        self._laps[part].append(now - self._mark)
        self._mark = now

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._mark = time.perf_counter()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._lap("data", pl_module)
        loader: Any = trainer.train_dataloader
        if (ready := getattr(loader, "ready", None)) is not None:
            self._ready.append(ready)
            self._room = loader.num_workers * loader.prefetch_factor

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._lap("forward", pl_module)

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._lap("backward", pl_module)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._lap("optimiser", pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        log.warning("where a step's time goes:\n%s", self.table())

    def table(self) -> str:
        """Return each part's milliseconds per step and share, one line each, and the state of the batch queue."""
        seconds, steps, ready = self.seconds, self.steps, self._ready[self._skip :]
        total = sum(seconds.values())
        if not steps or not total:
            return "no step was measured: the first ones warm up"
        lines = [
            f"{part:<10} {1000 * s / steps:9.1f} ms  {100 * s / total:5.1f} %" for part, s in seconds.items()
        ]
        lines.append(f"{'step':<10} {1000 * total / steps:9.1f} ms  of {steps} steps")
        if ready:
            mean, empty = sum(ready) / len(ready), ready.count(0) / len(ready)
            hint = ": raise --data.workers" if empty > 0.5 else ""
            room = f"of {self._room} batches ready, none at {100 * empty:.0f} % of the steps"
            lines.append(f"{'queue':<10} {mean:9.1f} {room}{hint}")
        return "\n".join(lines)
