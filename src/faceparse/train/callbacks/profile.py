"""Where a training step's time goes: data, forward, backward, optimiser; and whether samples are made fast enough."""

from __future__ import annotations

import logging
import time
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)

PARTS = ("data", "forward", "backward", "optimiser")


class StepProfile(Callback):
    """Adds up the parts of every step after the first few, which warm up.

    Attributes:
        seconds: Part → seconds over all measured steps.
        steps: How many were measured.
        ready: How many batches waited when each was taken, where the loader's workers make them.
    """

    def __init__(self, skip: int = 3) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.steps = 0
        self.ready: list[int] = []
        self._room = 0
        self._skip = skip
        self._mark = time.perf_counter()

    def _lap(self, part: str, module: LightningModule) -> None:
        if module.device.type == "cuda":
            torch.cuda.synchronize(module.device)
        now = time.perf_counter()
        if self._skip <= 0:
            self.seconds[part] += now - self._mark
        self._mark = now

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._mark = time.perf_counter()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._lap("data", pl_module)
        loader = trainer.train_dataloader
        if self._skip <= 0 and (ready := getattr(loader, "ready", None)) is not None:
            self.ready.append(ready)
            self._room = loader.room  # type: ignore[union-attr]

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._lap("forward", pl_module)

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._lap("backward", pl_module)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self._lap("optimiser", pl_module)
        if self._skip <= 0:
            self.steps += 1
        self._skip -= 1

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        log.warning("where a step's time goes:\n%s", self.table())

    def table(self) -> str:
        """Milliseconds a step and share of each part, a line each; then the state of the queue of batches."""
        total = sum(self.seconds.values())
        if not self.steps or not total:
            return "no step was measured: the first ones warm up"
        lines = [
            f"{part:<10} {1000 * s / self.steps:9.1f} ms  {100 * s / total:5.1f} %"
            for part, s in self.seconds.items()
        ]
        lines.append(f"{'step':<10} {1000 * total / self.steps:9.1f} ms  of {self.steps} steps")
        if self.ready:
            mean, empty = sum(self.ready) / len(self.ready), self.ready.count(0) / len(self.ready)
            lines.append(
                f"{'queue':<10} {mean:9.1f} of {self._room} batches ready, none at {100 * empty:.0f} % of the steps"
                f"{': raise --data.workers' if empty > 0.5 else ''}"
            )
        return "\n".join(lines)
