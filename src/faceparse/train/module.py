"""The Lightning module: a network, its loss, optimiser, schedule and validation figure."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from torch import Tensor

from faceparse.errors import FaceparseError
from faceparse.evaluate import Confusion
from faceparse.labels import Scheme
from faceparse.models.registry import Network
from faceparse.train.losses import cross_entropy_dice


class ParsingModule(LightningModule):
    """Trains one network on one scheme.

    Validation is mean F1 at label resolution over whole pictures (metric `val/mean_f1`, 0 to 100).

    Args:
        network: Takes normalised (B, 3, H, W).
        scheme: Scheme of the labels and of the logits' channels.
        mean, std: Normalisation on the 0–1 range, as the card will state it.
        learning_rate: Peak of the one-cycle schedule (Smith & Topin, https://arxiv.org/abs/1708.07120).
        weight_decay: AdamW's, on weights of two or more dimensions only.
        dice: Weight of the Dice term.
        about: Settings kept in every checkpoint, so that it can be exported without the recipe.
    """

    def __init__(
        self,
        network: Network,
        scheme: Scheme,
        *,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        learning_rate: float,
        weight_decay: float,
        warmup: float,
        dice: float,
        about: dict[str, Any],
    ) -> None:
        super().__init__()
        self.network = network
        self._scheme = scheme
        self._mean = tuple(255 * m for m in mean)
        self._std = tuple(255 * s for s in std)
        self._learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._warmup = warmup
        self._dice = dice
        self._about = about
        self._confusion = Confusion(scheme)

    def _normalise(self, image: Tensor) -> Tensor:
        mean = torch.tensor(self._mean, device=image.device).view(3, 1, 1)
        std = torch.tensor(self._std, device=image.device).view(3, 1, 1)
        return ((image.float() - mean) / std).contiguous(memory_format=torch.channels_last)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        image, labels = batch
        target = labels.long()
        outputs = self.network.training_logits(self._normalise(image))
        loss = torch.stack([cross_entropy_dice(o, target, self._dice) for o in outputs]).sum()
        if not torch.isfinite(loss):
            raise FaceparseError(
                f"the loss is {float(loss)} at step {self.global_step} of epoch {self.current_epoch}: "
                "lower --learning_rate; the last checkpoint before it is kept"
            )
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._confusion = Confusion(self._scheme)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        image, labels = batch
        logits = self.network.grid_logits(self._normalise(image)).float()
        grid = self.network.grid
        full = F.interpolate(
            logits, size=labels.shape[-2:], mode="bilinear", align_corners=grid.align_corners
        )
        predicted = full.argmax(1).to(torch.uint8)
        self._confusion.update(predicted.cpu().numpy(), labels.cpu().numpy())

    def on_validation_epoch_end(self) -> None:
        self.log("val/mean_f1", 100 * self._confusion.mean_f1, prog_bar=True)
        for name, value in zip(self._scheme.classes, self._confusion.f1, strict=True):
            if not math.isnan(value):
                self.log(f"val/f1_{name}", 100 * float(value))

    def configure_optimizers(self) -> Any:
        decayed = [p for p in self.network.parameters() if p.requires_grad and p.ndim > 1]
        others = [p for p in self.network.parameters() if p.requires_grad and p.ndim <= 1]
        optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self._weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=self._learning_rate,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser,
            self._learning_rate,
            total_steps=max(int(self.trainer.estimated_stepping_batches), 2),
            pct_start=self._warmup,
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["faceparse"] = self._about
