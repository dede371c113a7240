"""Optimisers and learning-rate schedules from settings.

>>> import torch
>>> rate = rates(ScheduleSettings("poly", warmup=1, warmup_rate=0.001), peak=0.1, steps=10, epoch_steps=4)
>>> [round(rate(step), 4) for step in (0, 2, 4, 9)]  # rises from the warm-up's rate; never 0
[0.001, 0.0505, 0.1, 0.0199]
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import torch
from torch import nn

from faceparse.errors import ConfigError
from faceparse.models.registry import Network
from faceparse.tables import Rule, above, at_least, check

NotNegative = Annotated[float, at_least(0)]
Schedule = Literal["one-cycle", "poly", "cosine", "step", "constant"]


@dataclass(frozen=True)
class OptimizerSettings:
    """The optimiser and its learning rates.

    Attributes:
        name: `adamw` or `sgd`.
        learning_rate: Peak learning rate of the schedule.
        weight_decay: Weight decay of weights with two or more dimensions, or of all weights with `decay_all`.
        decay_all: Whether weight decay applies to biases and norms, too, as with a plain AdamW.
        momentum: Momentum of SGD.
        backbone: Factor of the backbone's learning rate; 0 freezes the backbone including its batch norms.
        frozen_norm: Whether batch norms keep their initial statistics.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Annotated[float, above(0)] = 1.5e-3
    weight_decay: NotNegative = 0.02
    decay_all: bool = False
    momentum: Annotated[float, Rule("0 to below 1", lambda momentum: 0 <= momentum < 1)] = 0.9
    backbone: NotNegative = 1.0
    frozen_norm: bool = False

    def __post_init__(self) -> None:
        check(self, "optimizer")


@dataclass(frozen=True)
class ScheduleSettings:
    """The learning rate as a function of the step.

    Attributes:
        name: `one-cycle` (Smith & Topin, https://arxiv.org/abs/1708.07120), `poly` (as DeepLab,
            https://arxiv.org/abs/1606.00915), `cosine`, `step` or `constant`.
        warmup: Epochs over which the rate rises; may be a fraction.
        warmup_rate: Initial rate of the warm-up; `one-cycle` starts at 1/25 of the peak instead.
        power: Exponent of `poly`.
        last_rate: Final rate of `cosine`.
        milestones: Epochs at which `step` multiplies the rate by `factor`, in ascending order.
        factor: Factor of `step`.
        steps: Optimiser steps over which the rate falls; None for all steps of the run.
    """

    name: Schedule = "one-cycle"
    warmup: NotNegative = 2.0
    warmup_rate: float = 1e-5
    power: Annotated[float, above(0)] = 0.9
    last_rate: NotNegative = 0.0
    milestones: list[Annotated[float, above(0)]] = field(default_factory=list)
    factor: Annotated[float, above(0)] = 0.1
    steps: Annotated[int, at_least(1)] | None = None

    def __post_init__(self) -> None:
        check(self, "schedule")
        if (self.name == "step" and not self.milestones) or self.milestones != sorted(self.milestones):
            raise ConfigError(
                f"schedule `step` needs schedule.milestones, epochs in ascending order; got {self.milestones}"
            )


def rates(settings: ScheduleSettings, peak: float, steps: int, epoch_steps: float) -> Callable[[int], float]:
    """Return a function from a step, counted from 0, to its learning rate.

    Args:
        settings: The schedule.
        peak: The highest rate.
        steps: Optimiser steps of the whole run.
        epoch_steps: Optimiser steps of an epoch.
    """
    total = max(settings.steps or steps, 2)
    warm = min(settings.warmup * epoch_steps, total - 1)
    if settings.name == "one-cycle":
        first, last = peak / 25, peak / 25e4

        def one_cycle(step: int) -> float:
            step = min(step, total - 1)
            if step < warm:
                return _cosine(first, peak, step / warm)
            return _cosine(peak, last, (step - warm) / max(total - 1 - warm, 1))

        return one_cycle

    def rate(step: int) -> float:
        if step < warm:
            return settings.warmup_rate + (peak - settings.warmup_rate) * step / warm
        if settings.name == "step":
            passed = sum(step >= round(mark * epoch_steps) for mark in settings.milestones)
            return float(peak * settings.factor**passed)
        # The rate would reach its end one step after the last, so that the last step still learns.
        gone = min((step - warm) / (total - warm), 1 - 1 / total)
        if settings.name == "poly":
            return float(peak * (1 - gone) ** settings.power)
        return _cosine(peak, settings.last_rate, gone) if settings.name == "cosine" else peak

    return rate


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def optimiser(network: Network, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Return the optimiser; its parameter groups are outside the backbone before inside, decaying before constant."""
    backbone = {id(p) for p in backbone_of(network).parameters()} if settings.backbone != 1 else set()
    members: dict[tuple[bool, bool], list[nn.Parameter]] = defaultdict(list)
    for p in network.parameters():
        if p.requires_grad:
            members[id(p) in backbone, p.ndim < 2 and not settings.decay_all].append(p)
    groups: list[dict[str, Any]] = [
        {
            "params": members[inside, constant],
            "lr": settings.learning_rate * (settings.backbone if inside else 1),
            "weight_decay": 0.0 if constant else settings.weight_decay,
        }
        for inside, constant in sorted(members)
    ]
    if settings.name == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def backbone_of(network: Network) -> nn.Module:
    """Return the part of a network that is pretrained on other data.

    Raises:
        ConfigError: a network without a backbone.
    """
    backbone = getattr(network, "trunk", None)  # the backbone's name in the keys of weight files
    if not isinstance(backbone, nn.Module):
        raise ConfigError(f"{type(network).__name__} has no backbone: leave optimizer.backbone at 1")
    return backbone


def freeze(network: Network, settings: OptimizerSettings) -> None:
    """Turn off gradients of a frozen backbone; call before creating the optimiser."""
    if settings.backbone == 0:
        backbone_of(network).requires_grad_(False)


def keep_frozen(network: Network, settings: OptimizerSettings) -> None:
    """Put frozen parts into eval mode; call after every `train()`."""
    if settings.backbone == 0:
        backbone_of(network).eval()
    if settings.frozen_norm:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
