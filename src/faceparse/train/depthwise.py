"""Large and strided depthwise convolutions of a bf16 run on a CPU: in float32, which is several times faster there."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Float32(nn.Conv2d):
    """A convolution that, on a CPU, automatic precision leaves alone."""

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            y = super().forward(input.float())
        return y.to(torch.get_autocast_dtype("cpu"))


def float32_depthwise(network: nn.Module) -> None:
    """Have a network compute those depthwise convolutions in float32 which oneDNN is slow at in bf16.

    >>> from torch import nn
    >>> network = nn.Sequential(nn.Conv2d(8, 8, 5, groups=8))
    >>> float32_depthwise(network)

    That is, when it is trained in bf16 on a CPU; otherwise nothing changes. Gradients of depthwise kernels over 3 × 3, or of
    strides over 1, take several times float32's time there; the others, and dense ones where the processor has
    AMX, are faster in bf16 (`benchmarks/depthwise.py`). Weights keep their names and places.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1 and _slow(module):
            module.__class__ = _Float32


def _slow(layer: nn.Conv2d) -> bool:
    return max(layer.kernel_size) > 3 or max(layer.stride) > 1
