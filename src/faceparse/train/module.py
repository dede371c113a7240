"""The Lightning module: a network, its loss, optimiser, schedule and validation metric."""

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
from faceparse.labels import IGNORE, scheme
from faceparse.models.registry import Network
from faceparse.train.channels import channels, strongest
from faceparse.train.datamodule import Batch
from faceparse.train.losses import Loss
from faceparse.train.optimise import freeze, keep_frozen, optimiser, rates
from faceparse.train.provenance import describe
from faceparse.train.settings import Settings
from faceparse.train.teacher import Teachers
from faceparse.weights.merging import result_scheme

log = logging.getLogger(__name__)


class ParsingModule(LightningModule):
    """A Lightning module that trains one network on one scheme.

    Validation computes mean F1 at label resolution over whole pictures (metric `val/mean_f1`, 0 to 100);
    every picture counts once over all processes.

    Args:
        network: Takes normalised images (B, 3, H, W), and landmarks if `network.needs_landmarks`.
        settings: Settings of the run. Labels, loss and metrics use the `result_scheme` of `settings.scheme`.
        names: Names of the training pictures, for messages.
        open_classes: For each label beyond the scheme's, the classes that the label stands for.

    Attributes:
        about: Metadata stored in every checkpoint, so that a checkpoint can be exported without the recipe.

    Raises:
        FaceparseError: as in `Teacher`.
    """

    def __init__(
        self,
        network: Network,
        settings: Settings,
        names: Sequence[object] = (),
        open_classes: Sequence[Sequence[int]] = (),
    ) -> None:
        super().__init__()
        self.network, self.about = network, describe(settings)
        self._settings, self._names = settings, names
        channel_scheme = scheme(settings.scheme)
        self._scheme = result_scheme(channel_scheme)
        self._channels = channels(channel_scheme, self._scheme)
        self._loss = Loss(settings.loss, open_classes)
        self._teachers = Teachers(settings.teachers, self._scheme, settings.agree, open_classes)
        self._logits: Callable[..., tuple[Tensor, ...]] = network.training_logits
        if settings.compile:
            self._logits = torch.compile(network.training_logits)
        freeze(network, settings.optimizer)
        self._confusion = Confusion(self._scheme)
        self._gradients: dict[str, Tensor] = {}

    def _normalise(self, image: Tensor) -> Tensor:
        how = self._settings.preprocessing
        if how.channels == "BGR":
            image = image.flip(1)
        mean, std = (
            torch.tensor([255 / how.scale * value for value in values], device=image.device).view(3, 1, 1)
            for values in (how.mean, how.std)
        )
        normal = ((image.float() - mean) / std).to(next(self.network.parameters()).dtype)
        return normal.contiguous(memory_format=torch.channels_last)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Seeds dropout from the run's position, so that a resumed run repeats it.
        place = [self._settings.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        keep_frozen(self.network, self._settings.optimizer)

    def loss(self, batch: Batch) -> Tensor:
        """Return the loss of a batch, including auxiliary heads and teachers."""
        target, answers = self._teachers.look(batch.clean, batch.labels.long())
        landmarks = (batch.landmarks,) if self.network.needs_landmarks else ()
        heads = self._logits(self._normalise(batch.image), *landmarks)
        main, *others = (strongest(logits, self._channels) for logits in heads)
        loss, settings = self._loss(main, target), self._settings.loss
        if others and settings.auxiliary:
            share = settings.auxiliary / (len(others) if settings.auxiliary_mean else 1)
            loss = loss + share * torch.stack([self._loss(logits, target) for logits in others]).sum()
        return loss + self._teachers.loss(main, answers, batch.genuine)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.loss(batch)
        if not torch.isfinite(loss):
            shown = ", ".join(str(self._names[i]) for i in batch.sample.tolist())
            raise FaceparseError(
                f"the loss is {loss.item()} at step {self.global_step} of epoch {self.current_epoch}, on {shown}: "
                "lower --optimizer.learning_rate; an older checkpoint is left as it is"
            )
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        if self.global_step == self.trainer.max_steps:  # validates a shortened last epoch, too
            self.trainer.should_stop = True

    def on_validation_epoch_start(self) -> None:
        self._confusion = Confusion(self._scheme)
        self._share_buffers()

    def _share_buffers(self) -> None:
        """Copy the first process's batch-norm statistics to every process; only the first process saves."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def predicted(self, batch: Batch) -> Tensor:
        """Return predicted labels at the label maps' size, uint8 (B, H, W)."""
        image = self._normalise(batch.image)
        if self.network.needs_landmarks:
            logits = self.network(image, batch.landmarks)
        else:
            logits = self.network.grid_logits(image)
        full = F.interpolate(
            strongest(logits.float(), self._channels),
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
        changer, peak = (
            optimiser(self.network, self._settings.optimizer),
            self._settings.optimizer.learning_rate,
        )
        total = int(self.trainer.estimated_stepping_batches)
        rate = rates(self._settings.schedule, peak, total, total / self._settings.epochs)
        # LambdaLR multiplies a group's initial rate, which includes the group's factor.
        schedule = torch.optim.lr_scheduler.LambdaLR(changer, lambda step: rate(step) / peak)
        return {"optimizer": changer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["faceparse"] = self.about
        batches = self.trainer.fit_loop.epoch_loop.batch_progress.current.completed
        if batches % self.trainer.accumulate_grad_batches and batches < self.trainer.num_training_batches:
            # Interrupted between the batches of one step: save the gradients accumulated so far.
            mean = partial(self.trainer.strategy.reduce, reduce_op="mean")
            checkpoint["gradients"] = {
                name: mean(p.grad.clone())
                for name, p in self.network.named_parameters()
                if p.grad is not None
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._gradients = checkpoint.get("gradients", {})

    def on_train_start(self) -> None:
        parameters = dict(self.network.named_parameters())
        for name, gradient in self._gradients.items():
            parameters[name].grad = gradient.to(parameters[name].device)
        self._gradients = {}
