"""Distillation: soft labels from trained models, in addition to human labels or instead of them.

Hinton et al., https://arxiv.org/abs/1503.02531.

>>> teacher = Teacher(TeacherSettings("bisenet-resnet18-yakhyo"), scheme("celebamask19"))  # doctest: +SKIP
>>> loss = teacher.loss(logits, teacher.answer(batch.clean))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from faceparse.engines import open_engine
from faceparse.errors import ConfigError
from faceparse.labels import IGNORE, Scheme, conversion
from faceparse.models import load
from faceparse.tables import above, at_least, between
from faceparse.train.channels import channels, strongest
from faceparse.train.depthwise import float32_depthwise
from faceparse.weights.merging import scheme_of_results
from faceparse.weights.modelfile import find_model

COARSE = 4
"""Divisor of the samples' sides at which soft labels are compared: networks have strides of 4 or 8."""


@dataclass(frozen=True)
class TeacherSettings:
    """A trained model that gives soft labels for the samples.

    Attributes:
        model: Model id or file, as `faceparse parse --model` takes it. PyTorch files run on the learning
            network's device and in its precision, ONNX files in ONNX Runtime.
        weight: Factor of this teacher's loss; 0 for a teacher that only serves `agree`.
        temperature: Divisor of the logits of the teacher and of the network.
        classes: Classes or groups that the teacher teaches; all other classes count as one. Null for all
            classes.
        size: Side of the teacher's input in pixels; null for the card's input size.
        device: Device on which an ONNX file runs.
        card: Card id or TOML file, for a model file without a card.
    """

    model: str
    weight: Annotated[float, at_least(0)] = 1.0
    temperature: Annotated[float, above(0)] = 2.0
    classes: tuple[str, ...] | None = None
    size: Annotated[int, between(32, 1 << 15)] | None = None
    device: str = "cpu"
    card: str | None = None


class Teacher:
    """A model whose soft labels a network learns.

    Args:
        settings: The model and its weight in the loss.
        scheme: Scheme of the learning network; the teacher's scheme must convert to it.

    Raises:
        WeightsError, EngineError: a model or engine that cannot be opened.
        LabelError: a scheme that does not convert, or classes that the scheme lacks.
        ConfigError: a model that warps pictures (LaPa's).
    """

    def __init__(self, settings: TeacherSettings, scheme: Scheme) -> None:
        self._settings, self.weight = settings, settings.weight
        path, self._card = find_model(settings.model, settings.card)
        if self._card.input.warp:
            raise ConfigError(
                f"{settings.model} cannot be a teacher, because it warps pictures by a face's landmarks: name another model"
            )
        result = scheme_of_results(self._card)
        self._channels = channels(self._card.label_scheme, result)
        self._columns = torch.from_numpy(conversion(result, scheme).table[: len(result)].astype("int64"))
        self._classes = len(scheme)
        self._bounds = sorted({i for name in settings.classes or () for i in scheme.ids(name)})
        self._logits = self._runner(path)

    def _runner(self, path: Path) -> Callable[[Tensor], Tensor]:
        """Return a function from a normalised batch to its logits, on the batch's device."""
        if path.suffix == ".safetensors":
            network = load(self._card.network, path)
            network.requires_grad_(False)
            float32_depthwise(network.to(memory_format=torch.channels_last))

            def run(x: Tensor) -> Tensor:
                x = x.contiguous(memory_format=torch.channels_last)
                return network.to(x.device).grid_logits(x).float()

            return run
        engine = open_engine(self._settings.model, device=self._settings.device, card=self._settings.card)
        return lambda x: torch.from_numpy(engine.run({"image": x.cpu().numpy()})["logits"]).to(x.device)

    @torch.no_grad()
    def answer(self, image: Tensor) -> Tensor:
        """Return the teacher's logits for uint8 RGB images (B, 3, H, W), at 1/COARSE of their sides."""
        wanted = self._card.input
        size = wanted.size if self._settings.size is None else (self._settings.size,) * 2
        x = F.interpolate(image.float(), size=size, mode="bilinear", antialias=True)
        mean, std = (torch.tensor(v, device=x.device).view(3, 1, 1) for v in (wanted.mean, wanted.std))
        x = (x.flip(1) if wanted.channels == "BGR" else x) * (wanted.scale / 255)
        logits = strongest(self._logits((x - mean) / std), self._channels)
        corners = self._card.output.align_corners
        full = F.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=corners)
        coarse = [max(1, side // COARSE) for side in image.shape[-2:]]
        return F.interpolate(full, size=coarse, mode="bilinear")

    def probabilities(self, answer: Tensor, temperature: float | None = None) -> Tensor:
        """Return soft labels, (B, classes, h, w) in the learning network's scheme; each pixel's sum to 1.

        Args:
            answer: Logits from `answer`.
            temperature: Temperature to use instead of the settings'.
        """
        p = (answer / (temperature or self._settings.temperature)).softmax(1)
        kept = self._columns != IGNORE
        merged = p.new_zeros(p.shape[0], self._classes, *p.shape[2:])
        merged.index_add_(1, self._columns[kept].to(p.device), p[:, kept])
        return merged / merged.sum(1, keepdim=True).clamp_min(1e-6)

    def loss(self, logits: Tensor, answer: Tensor, genuine: Tensor | None = None) -> Tensor:
        """Return the Kullback–Leibler divergence from the teacher, averaged over counted pixels, times T² and the
        weight.

        Args:
            logits: Logits of the learning network, (B, classes, H, W).
            answer: Logits from `answer`.
            genuine: Pixels that count, bool (B, H, W): where both models saw the same content; None for all.
        """
        t = self._settings.temperature
        coarse = F.interpolate(logits.float(), size=answer.shape[-2:], mode="bilinear")
        log_p, q = (coarse / t).log_softmax(1), self.probabilities(answer)
        if self._bounds:
            log_p, q = self._bounded(log_p.exp()).log(), self._bounded(q)
        divergence = F.kl_div(log_p, q, reduction="none").sum(1)
        share = torch.ones_like(divergence)
        if genuine is not None:  # a coarse pixel counts if all its pixels count
            part = F.interpolate(genuine[:, None].float(), divergence.shape[-2:], mode="area")[:, 0]
            share = (part > 0.999).float()
        return self.weight * t * t * (divergence * share).sum() / share.sum().clamp_min(1)

    def _bounded(self, p: Tensor) -> Tensor:
        """Return the probabilities of the chosen classes, and then the sum of all others."""
        good = p[:, self._bounds]
        return torch.cat([good, 1 - good.sum(1, keepdim=True)], 1).clamp_min(1e-6)


class Teachers:
    """Several teachers of one network.

    Args:
        settings: Name → settings of a teacher.
        scheme: Scheme of the learning network.
        agree: Smallest probability with which all teachers must give the same allowed class to replace an
            open label; None for never.
        open_classes: For each label beyond the scheme's, the classes that the label stands for.

    Raises:
        FaceparseError: as in `Teacher`.
    """

    def __init__(
        self,
        settings: Mapping[str, TeacherSettings],
        scheme: Scheme,
        agree: float | None = None,
        open_classes: Sequence[Sequence[int]] = (),
    ) -> None:
        self._teachers = [Teacher(teacher, scheme) for teacher in settings.values()]
        self._agree = agree if open_classes else None
        self._first = len(scheme)
        self._allowed = torch.zeros(len(open_classes), len(scheme), dtype=torch.bool)
        for row, classes in zip(self._allowed, open_classes, strict=True):
            row[list(classes)] = True

    def __deepcopy__(self, memo: dict[int, Any]) -> Teachers:
        """Return the same object: the moving average copies the module with its teachers, which never change."""
        return self

    def look(self, clean: Tensor, labels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return a batch's labels, with open labels replaced where all teachers agree, and the weighted teachers'
        logits.

        Args:
            clean: uint8 RGB (B, 3, H, W), see `TrainingSample`.
            labels: int64 (B, H, W).
        """
        if not self._teachers:
            return labels, []
        opened = (labels >= self._first) & (labels != IGNORE)
        unsettled = opened.flatten(1).any(1) if self._agree is not None else opened.new_zeros(len(labels))
        answers, opinions = [], []
        for teacher in self._teachers:
            answer = teacher.answer(clean) if teacher.weight else None
            if answer is not None:
                answers.append(answer)
            if unsettled.any():
                part = teacher.answer(clean[unsettled]) if answer is None else answer[unsettled]
                opinions.append(teacher.probabilities(part, temperature=1))
        if opinions:
            labels = labels.clone()
            labels[unsettled] = self._filled(labels[unsettled], opened[unsettled], opinions)
        return labels, answers

    def _filled(self, labels: Tensor, opened: Tensor, opinions: list[Tensor]) -> Tensor:
        """Return the labels, with open labels replaced where all opinions agree."""
        full = (F.interpolate(p, size=labels.shape[-2:], mode="bilinear") for p in opinions)
        surest, classes = (torch.stack(t) for t in zip(*(p.max(1) for p in full), strict=True))
        agreed = (classes == classes[0]).all(0) & (surest.amin(0) >= (self._agree or 0))
        row = (labels - self._first).where(opened, 0)
        allowed = self._allowed.to(labels.device)[row, classes[0]]
        return labels.where(~(opened & agreed & allowed), classes[0])

    def loss(self, logits: Tensor, answers: Sequence[Tensor], genuine: Tensor | None = None) -> Tensor:
        """Return the sum of the teachers' losses; see `Teacher.loss`."""
        weighty = (t for t in self._teachers if t.weight)
        losses = [t.loss(logits, a, genuine) for t, a in zip(weighty, answers, strict=True)]
        return torch.stack(losses).sum() if losses else logits.new_zeros(())
