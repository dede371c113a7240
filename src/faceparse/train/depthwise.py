"""Depthwise convolutions of a bf16 run on a CPU: in float32, which is several times faster there."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Depthwise(nn.Conv2d):
    """A depthwise convolution that, on a CPU, automatic precision leaves alone.

    oneDNN's gradient of one is several times slower in bf16 than in float32 (`benchmarks/training_step.py` shows
    the step); dense ones are faster in bf16 where the processor has AMX.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            y = super().forward(input.float())
        return y.to(torch.get_autocast_dtype("cpu"))


def float32_depthwise(network: nn.Module) -> None:
    """Have every depthwise convolution of a network compute in float32 when it is trained in bf16 on a CPU.

    >>> from torch import nn
    >>> network = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8))
    >>> float32_depthwise(network)

    Weights keep their names and places; in float32 runs and on other devices nothing changes.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1:
            module.__class__ = _Depthwise
