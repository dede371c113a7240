"""The Lightning module: a network, its loss, optimiser, schedule and validation figure."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from torch import Tensor

from faceparse.errors import DataError, FaceparseError
from faceparse.evaluate import Confusion
from faceparse.labels import IGNORE, Scheme
from faceparse.models.registry import Network
from faceparse.train.channels import channels, strongest
from faceparse.train.datamodule import Batch
from faceparse.train.losses import Loss, LossSettings
from faceparse.train.optimise import (
    OptimizerSettings,
    ScheduleSettings,
    freeze,
    keep_frozen,
    optimiser,
    rates,
)
from faceparse.train.teacher import Teachers
from faceparse.weights.merging import result_scheme
from faceparse.weights.preprocessing import Preprocessing

log = logging.getLogger(__name__)


class ParsingModule(LightningModule):
    """Trains one network on one scheme.

    Validation is mean F1 at label resolution over whole pictures (metric `val/mean_f1`, 0 to 100), each picture
    counted once over all processes.

    Args:
        network: Takes normalised (B, 3, H, W), and landmarks where it needs them.
        scheme: Scheme of the logits' channels; labels, loss and figures are of what it is read as (`result_scheme`).
        preprocessing: How pictures are normalised, as the card will state it.
        loss: What is minimised.
        optimizer: How weights are changed.
        schedule: How the learning rate goes.
        names: The training pictures' names, for messages.
        about: Settings kept in every checkpoint, so that it can be exported without the recipe.
        seed: Fixes dropout, by step.
        teachers: Add soft labels, and fill open ones in.
        open_classes: For each label beyond the scheme's, the classes that it may be.
        compiled: Whether the network runs through `torch.compile`.
    """

    def __init__(
        self,
        network: Network,
        scheme: Scheme,
        *,
        preprocessing: Preprocessing,
        loss: LossSettings,
        optimizer: OptimizerSettings,
        schedule: ScheduleSettings,
        names: Sequence[object],
        about: dict[str, Any],
        seed: int = 0,
        teachers: Teachers | None = None,
        open_classes: Sequence[Sequence[int]] = (),
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self._scheme = result_scheme(scheme)
        self._channels = channels(scheme, self._scheme)
        full = 255 / preprocessing.scale
        self._mean = tuple(full * m for m in preprocessing.mean)
        self._std = tuple(full * s for s in preprocessing.std)
        self._bgr = preprocessing.channels == "BGR"
        self._loss, self._of = Loss(loss, open_classes), loss
        self._optimizer, self._schedule = optimizer, schedule
        self._names, self.about, self._seed = names, about, seed
        self._teachers = teachers
        self._logits: Callable[..., tuple[Tensor, ...]] = network.training_logits
        if compiled:
            self._logits = torch.compile(network.training_logits)
        freeze(network, optimizer)
        self._confusion = Confusion(self._scheme)
        self._gathered: dict[str, Tensor] = {}

    def _normalise(self, image: Tensor) -> Tensor:
        if self._bgr:
            image = image.flip(1)
        mean = torch.tensor(self._mean, device=image.device).view(3, 1, 1)
        std = torch.tensor(self._std, device=image.device).view(3, 1, 1)
        seen = ((image.float() - mean) / std).to(next(self.network.parameters()).dtype)
        return seen.contiguous(memory_format=torch.channels_last)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout too is a function of where the run is: a resumed one goes on alike.
        where = [self._seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(where).generate_state(1)[0]))
        keep_frozen(self.network, self._optimizer)

    def _read(self, logits: Tensor) -> Tensor:
        """Logits of what the network's scheme is read as: each class the strongest of its channels."""
        return strongest(logits, self._channels)

    def loss(
        self,
        image: Tensor,
        target: Tensor,
        landmarks: Tensor | None = None,
        clean: Tensor | None = None,
        genuine: Tensor | None = None,
    ) -> Tensor:
        """Loss of a batch, auxiliary heads and teachers included.

        Args:
            image: uint8 (B, 3, H, W).
            target: int64 (B, H, W).
            landmarks: float (B, 5, 2), where the network needs them.
            clean: uint8 (B, 3, H, W): what teachers are shown, where not the image itself.
            genuine: bool (B, H, W): where both show the same thing; None for everywhere.
        """
        answers: list[Tensor] = []
        if self._teachers is not None:
            target, answers = self._teachers.look(image if clean is None else clean, target)
        shown = (
            (self._normalise(image), landmarks) if self.network.needs_landmarks else (self._normalise(image),)
        )
        main, *others = (self._read(logits) for logits in self._logits(*shown))
        loss = self._loss(main, target)
        if others and self._of.auxiliary:
            share = self._of.auxiliary / (len(others) if self._of.auxiliary_mean else 1)
            loss = loss + share * torch.stack([self._loss(logits, target) for logits in others]).sum()
        if self._teachers is not None:
            loss = loss + self._teachers.loss(main, answers, genuine)
        return loss

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        teach = (batch.clean, batch.genuine) if self._teachers is not None else ()
        loss = self.loss(batch.image, batch.labels.long(), batch.landmarks, *teach)
        if not torch.isfinite(loss):
            shown = ", ".join(str(self._names[i]) for i in batch.sample.tolist())
            raise FaceparseError(
                f"the loss is {loss.item()} at step {self.global_step} of epoch {self.current_epoch}, on {shown}: "
                "lower --optimizer.learning_rate; an older checkpoint is left as it is"
            )
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._confusion = Confusion(self._scheme)
        self._share_buffers()

    def _share_buffers(self) -> None:
        """Give every process the first one's batch-norm statistics, which only it saves."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def predicted(self, batch: Batch) -> Tensor:
        """Labels at the label maps' own size, uint8 (B, H, W)."""
        image = self._normalise(batch.image)
        if self.network.needs_landmarks:
            logits = self.network(image, batch.landmarks)
        else:
            logits = self.network.grid_logits(image)
        full = F.interpolate(
            self._read(logits.float()),
            size=batch.labels.shape[-2:],
            mode="bilinear",
            align_corners=self.network.grid.align_corners,
        )
        return full.argmax(1).to(torch.uint8)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._confusion.update(self.predicted(batch).cpu().numpy(), batch.labels.cpu().numpy())

    def on_validation_epoch_end(self) -> None:
        matrix = torch.from_numpy(self._confusion.matrix).to(self.device)
        matrix = self.trainer.strategy.reduce(matrix, reduce_op="sum")
        whole = self._confusion = Confusion(self._scheme, matrix.cpu().numpy())
        true = np.flatnonzero(whole.matrix.sum(1))
        if not len(true):
            raise DataError(
                f"no pixel of the validation pictures counts: every label is {IGNORE} (ignore) in scheme "
                f"{self._scheme.name}; `faceparse data check` shows what the label maps hold"
            )
        if len(true) == 1 and not self.current_epoch:
            log.warning(
                "the validation pictures hold %s alone (%d is ignore): `faceparse data check` shows what the label maps hold",
                self._scheme.classes[true[0]],
                IGNORE,
            )
        self.log("val/mean_f1", 100 * whole.mean_f1, prog_bar=True, rank_zero_only=False)
        for name, value in zip(self._scheme.classes, whole.f1, strict=True):
            if not math.isnan(value):
                self.log(f"val/f1_{name}", 100 * float(value))

    def on_train_epoch_end(self) -> None:
        self._share_buffers()

    def configure_optimizers(self) -> Any:
        made = optimiser(self.network, self._optimizer)
        total = int(self.trainer.estimated_stepping_batches)
        rate = rates(
            self._schedule,
            self._optimizer.learning_rate,
            total,
            total / max(self.trainer.max_epochs or 1, 1),
        )
        # LambdaLR multiplies a group's first rate, in which its factor is.
        schedule = torch.optim.lr_scheduler.LambdaLR(
            made, lambda step: rate(step) / self._optimizer.learning_rate
        )
        return {"optimizer": made, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["faceparse"] = self.about
        batches = self.trainer.fit_loop.epoch_loop.batch_progress.current.completed
        if batches % self.trainer.accumulate_grad_batches and batches < self.trainer.num_training_batches:
            # Broken off between the batches of one step: what they have gathered so far.
            mean = partial(self.trainer.strategy.reduce, reduce_op="mean")
            checkpoint["gradients"] = {
                name: mean(p.grad.clone())
                for name, p in self.network.named_parameters()
                if p.grad is not None
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._gathered = checkpoint.get("gradients", {})

    def on_train_start(self) -> None:
        parameters = dict(self.network.named_parameters())
        for name, gradient in self._gathered.items():
            parameters[name].grad = gradient.to(parameters[name].device)
        self._gathered = {}
