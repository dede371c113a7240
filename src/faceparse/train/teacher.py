"""Distillation: a trained model's soft labels beside, or in place of, human ones.

Hinton et al., https://arxiv.org/abs/1503.02531.

>>> teacher = Teacher(TeacherSettings("bisenet-resnet18-yakhyo"), scheme("celebamask19"))  # doctest: +SKIP
>>> loss = teacher.loss(student_logits, teacher.logits(batch.image))  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from faceparse.engines import open_engine
from faceparse.errors import ConfigError
from faceparse.labels import IGNORE, Scheme, conversion
from faceparse.tables import above
from faceparse.weights.merging import read_logits, scheme_of_results


@dataclass(frozen=True)
class TeacherSettings:
    """A trained model that labels the views the network is shown.

    Attributes:
        model: Model id or file, as `faceparse parse --model` takes it.
        weight: Of its loss beside that of the labels.
        temperature: Both sides' logits are divided by it.
        engine: `auto`, `onnx` or `torch`.
        device: Where it runs.
        card: Card id or TOML file of a model file that carries none.
    """

    model: str
    weight: Annotated[float, above(0)] = 1.0
    temperature: Annotated[float, above(0)] = 2.0
    engine: str = "auto"
    device: str = "cpu"
    card: str | None = None


class Teacher:
    """A model whose soft labels are learned from.

    Args:
        settings: Which model, and how much it counts.
        scheme: Scheme of the network that learns; the teacher's must convert to it.

    Raises:
        WeightsError, EngineError: a model or engine that cannot be opened.
        LabelError: a scheme that does not convert.
        ConfigError: a model that warps pictures (LaPa's).
    """

    def __init__(self, settings: TeacherSettings, scheme: Scheme) -> None:
        self._of = settings
        self._engine = open_engine(
            settings.model, engine=settings.engine, device=settings.device, card=settings.card
        )
        self._card = self._engine.card
        if self._card.input.warp:
            raise ConfigError(
                f"{settings.model} warps pictures by a face's landmarks: a teacher takes the views as they are"
            )
        own = scheme_of_results(self._card)
        table = conversion(own, scheme).table[: len(own)]
        self._columns = torch.from_numpy(table.astype("int64"))
        self._classes = len(scheme)

    def __deepcopy__(self, memo: dict[int, Any]) -> Teacher:
        """Itself: the moving average copies the module that holds it, and a session does not copy."""
        return self

    def probabilities(self, image: Tensor) -> Tensor:
        """Soft labels of a batch of views.

        Args:
            image: uint8 RGB (B, 3, H, W).

        Returns:
            (B, classes, H, W) float32 in the learning network's scheme; adds up to 1 over classes.
        """
        wanted, size = self._card.input, image.shape[-2:]
        x = F.interpolate(image.float(), size=wanted.size, mode="bilinear", antialias=True)
        mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) for v in (wanted.mean, wanted.std))
        x = (x.flip(1) if wanted.channels == "BGR" else x) * (wanted.scale / 255)
        x = (x - mean) / std
        found = read_logits(self._engine.run({"image": x.cpu().numpy()})["logits"], self._card)
        logits = torch.from_numpy(found).to(image.device)
        logits = F.interpolate(
            logits, size=size, mode="bilinear", align_corners=self._card.output.align_corners
        )
        own = (logits / self._of.temperature).softmax(1)
        kept = self._columns != IGNORE
        merged = own.new_zeros(own.shape[0], self._classes, *size)
        merged.index_add_(1, self._columns[kept].to(own.device), own[:, kept])
        return merged / merged.sum(1, keepdim=True).clamp_min(1e-6)

    def loss(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        """Kullback–Leibler divergence from the teacher, mean over pixels, times T² and the weight.

        Args:
            logits: The learning network's, (B, classes, H, W).
            probabilities: From `probabilities`.
        """
        t = self._of.temperature
        log_p = (logits.float() / t).log_softmax(1)
        divergence = F.kl_div(log_p, probabilities, reduction="none").sum(1).mean()
        return self._of.weight * t * t * divergence
