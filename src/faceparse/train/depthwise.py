"""Large and strided depthwise convolutions in float32, several times faster than bf16 in training on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Float32(nn.Conv2d):
    """A convolution that runs in float32 under automatic mixed precision on a CPU."""

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            y = super().forward(input.float())
        return y.to(torch.get_autocast_dtype("cpu"))


def float32_depthwise(network: nn.Module) -> None:
    """Make a network compute in float32 the depthwise convolutions that are slow in bf16 with oneDNN.

    >>> from torch import nn
    >>> network = nn.Sequential(nn.Conv2d(8, 8, 5, groups=8))
    >>> float32_depthwise(network)

    This applies only to bf16 training on a CPU. There, gradients of depthwise convolutions with kernels above
    3 × 3 or strides above 1 take several times as long in bf16 as in float32. Other depthwise convolutions
    are faster in bf16, and dense ones too if the processor has AMX (`benchmarks/depthwise.py`). The weights
    keep their names and order.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1 and _slow(module):
            module.__class__ = _Float32


def _slow(layer: nn.Conv2d) -> bool:
    return max(layer.kernel_size) > 3 or max(layer.stride) > 1
