"""Swin's window attention, without padding, shifting and cutting the feature map.

>>> import torch
>>> attention = WindowAttention(32, [7, 7], [3, 3], num_heads=4).eval()
>>> attention(torch.zeros(1, 10, 12, 32)).shape
torch.Size([1, 10, 12, 32])

The modules have the weights of torchvision's modules, and equal outputs except for rounding. Sources: Liu et
al., Swin Transformer, https://arxiv.org/abs/2103.14030, and V2, https://arxiv.org/abs/2111.09883.

torchvision pads the feature map to whole windows, rolls it, cuts it into windows and heads, and undoes all
these steps, each in a pass over the map; it also projects padding cells. These modules project the cells in
place and gather them by window and head in one pass. This has two consequences:

- A padding cell is zero before projection, so its key and value equal the biases. The key's bias adds one number to a
  whole row of scores, which softmax ignores. The value's bias passes through, because the weights of a row add up to 1; so
  it is added after the last projection. Without these biases a padding cell's key and value are zero. Its query is not used.
- A masked score gets -1000 instead of -100, because e^-100 is a denormal number in float32, and products with denormal
  numbers are slow on a CPU. V2 keeps -100, because its scores may differ by more than 100.

Training uses torchvision's own code, in which every parameter has a gradient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.swin_transformer import ShiftedWindowAttention, ShiftedWindowAttentionV2

Pair = tuple[int, int]


def windows(size: Pair, window: Pair, shift: Pair) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Compute which cells of a feature map of `size` (height, width) lie in each window.

    >>> windows((2, 3), (2, 2), (0, 0))[0].tolist()
    [[0, 1, 3, 4], [2, 6, 5, 6]]

    Returns:
        The number of each cell in the map, counted row by row, windows × cells of a window; padding has the
        number after the last. Then the mask, windows × cells × cells: whether two cells of a window come from
        different parts of the map, so that neither attends to the other; None if there are no such cells.
    """
    padded = [-(-side // w) * w for side, w in zip(size, window, strict=True)]
    shift_y, shift_x = (0 if w >= side else s for s, w, side in zip(shift, window, padded, strict=True))
    number = np.full(padded, math.prod(size))
    number[: size[0], : size[1]] = np.arange(math.prod(size)).reshape(size)
    cells = _cut(np.roll(number, (-shift_y, -shift_x), (0, 1)), window)
    if not shift_y and not shift_x:
        return cells, None
    rows, columns = (
        np.digitize(np.arange(side), (side - w, side - s))
        for side, w, s in zip(padded, window, (shift_y, shift_x), strict=True)
    )
    region = _cut(3 * rows[:, None] + columns, window)
    return cells, region[:, :, None] != region[:, None]


def _cut(x: NDArray[np.int64], window: Pair) -> NDArray[np.int64]:
    """Cut a map of whole windows into windows × cells."""
    down, across = x.shape[0] // window[0], x.shape[1] // window[1]
    return x.reshape(down, window[0], across, window[1]).swapaxes(1, 2).reshape(down * across, -1)


@dataclass(frozen=True)
class _Gather:
    """Row indices that gather cells × heads into windows × heads × cells, and the indices for the way back."""

    windows: int
    rows: Tensor
    inverse: Tensor
    masked: Tensor | None
    padded: bool


def _gather(size: Pair, window: Pair, shift: Pair, heads: int, device: torch.device) -> _Gather:
    cells, masked = windows(size, window, shift)
    number, length = cells.shape
    head, count = np.arange(heads), math.prod(size)
    places = cells.ravel().argsort(kind="stable")[:count]  # padding has the highest number
    index, place = np.divmod(places[:, None], length)
    rows = (cells[:, None] * heads + head[:, None]).ravel()
    inverse = ((index * heads + head) * length + place).ravel()
    with torch.inference_mode(False):  # cached tensors must also work when gradients are computed
        return _Gather(
            number,
            torch.from_numpy(rows.astype(np.int32)).to(device),
            torch.from_numpy(inverse.astype(np.int32)).to(device),
            None if masked is None else torch.from_numpy(masked)[:, None].to(device),
            padded=cells.size > count,
        )


_cached_gather = lru_cache(maxsize=64)(_gather)


def _attend(layer: ShiftedWindowAttention, x: Tensor, penalty: float) -> Tensor:
    """Compute the output of torchvision's layer for (B, H, W, C), in the same shape."""
    batch, height, width, channels = x.shape
    heads, depth = layer.num_heads, channels // layer.num_heads
    window, shift = ((s[0], s[1]) for s in (layer.window_size, layer.shift_size))
    make = _gather if torch.compiler.is_compiling() else _cached_gather
    gather = make((height, width), window, shift, heads, x.device)
    flat = x.flatten(1, 2)
    if gather.padded:
        flat = F.pad(flat, (0, 0, 0, 1))  # one cell stands for all padding

    def project(weight: Tensor, bias: Tensor | None = None) -> Tensor:
        rows = F.linear(flat, weight, bias).reshape(batch, -1, depth).index_select(1, gather.rows)
        return rows.reshape(batch, gather.windows, heads, -1, depth)

    cosine = getattr(layer, "logit_scale", None)
    scale = depth**-0.5 if cosine is None else 1.0
    weight, bias = layer.qkv.weight, layer.qkv.bias
    query = project(weight[:channels] * scale, None if bias is None else bias[:channels] * scale)
    key = project(weight[channels : 2 * channels])
    value = project(weight[2 * channels :])
    if cosine is not None:
        query = F.normalize(query, dim=-1) * cosine.clamp(max=math.log(100)).exp()
        key = F.normalize(key, dim=-1)
    offset = layer.get_relative_position_bias()
    if gather.masked is not None:
        offset = offset + penalty * gather.masked.to(x.dtype)
    output = (query @ key.transpose(-2, -1) + offset).softmax(-1) @ value
    output = output.reshape(batch, -1, depth).index_select(1, gather.inverse).reshape(x.shape)
    last: Tensor | None = layer.proj.bias
    if bias is not None:
        passed = layer.proj.weight @ bias[2 * channels :]
        last = passed if last is None else last + passed
    return F.linear(output, layer.proj.weight, last)


class WindowAttention(ShiftedWindowAttention):
    """Swin's window attention."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute the attention of (B, H, W, C), in the same shape."""
        return super().forward(x) if self.training else _attend(self, x, -1000.0)


class WindowAttentionV2(ShiftedWindowAttentionV2):
    """Swin V2's window attention, which normalises queries and keys."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute the attention of (B, H, W, C), in the same shape."""
        return super().forward(x) if self.training else _attend(self, x, -100.0)


def replace_attention(backbone: nn.Module) -> None:
    """Replace the attention of torchvision's Swin blocks in a backbone by the classes of this module."""
    for module in backbone.modules():
        # These classes add no state to torchvision's.
        if type(module) is ShiftedWindowAttention:
            module.__class__ = WindowAttention
        elif type(module) is ShiftedWindowAttentionV2:
            module.__class__ = WindowAttentionV2
