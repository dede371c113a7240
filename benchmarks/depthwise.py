"""What depthwise convolutions cost in a bf16 training step on a CPU: in bf16, and as faceparse has them, some in float32.

    python benchmarks/depthwise.py

Forward and backward of those of the model in the box, batch 16 at 320 px, in bf16 autocast on bf16 input; CPU seconds, in turns.
"""

from __future__ import annotations

import copy
import statistics
import time

import torch
from torch import nn

from faceparse.models.registry import network
from faceparse.train.depthwise import float32_depthwise

BATCH, SIZE, ROUNDS = 16, 320, 5


def shapes() -> list[tuple[nn.Conv2d, torch.Size]]:
    """Every depthwise convolution of the network, with the shape of its input."""
    seen: list[tuple[nn.Conv2d, torch.Size]] = []
    with torch.device("meta"):
        built = network("fpn-efficientnet_lite0").build(num_classes=19)
        for module in built.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.register_forward_pre_hook(lambda m, given: seen.append((m, given[0].shape)))
        built(torch.empty(BATCH, 3, SIZE, SIZE))
    return seen


def cpu_seconds(layer: nn.Module, x: torch.Tensor) -> float:
    """Of one forward and backward."""
    start = time.process_time()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    y.backward(torch.ones_like(y))
    return time.process_time() - start


def main() -> None:
    totals = [0.0, 0.0]
    print(f"{'kernel':<14}{'input':<22}{'bf16':>11}{'faceparse':>12}")
    for like, shape in shapes():
        plain = nn.Conv2d(
            like.in_channels, like.out_channels, like.kernel_size, like.stride, like.padding,
            groups=like.groups, bias=False,
        ).to(memory_format=torch.channels_last)  # fmt: skip
        ours = copy.deepcopy(nn.Sequential(plain))
        float32_depthwise(ours)
        x = torch.randn(shape).to(torch.bfloat16, memory_format=torch.channels_last).requires_grad_()
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS + 1):
            for spent, layer in zip(times, (plain, ours), strict=True):
                spent.append(cpu_seconds(layer, x))
        medians = [statistics.median(spent[1:]) for spent in times]
        totals = [t + m for t, m in zip(totals, medians, strict=True)]
        print(
            f"{like.kernel_size!s:<14}{'×'.join(map(str, shape)):<22}"
            + "".join(f"{1000 * m:>8.1f} ms" for m in medians)
        )
    print(
        f"all {1000 * totals[0]:.0f} ms in bf16, {1000 * totals[1]:.0f} ms as faceparse has them: {totals[0] / totals[1]:.2f}"
    )


if __name__ == "__main__":
    main()
