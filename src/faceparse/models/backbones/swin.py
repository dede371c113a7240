"""Swin's attention in windows, without padding, shifting and cutting the map.

>>> import torch
>>> attention = WindowAttention(32, [7, 7], [3, 3], num_heads=4).eval()
>>> attention(torch.zeros(1, 10, 12, 32)).shape
torch.Size([1, 10, 12, 32])

Weights are those of torchvision's modules, and so are the outputs but for rounding. Liu et al., Swin Transformer,
https://arxiv.org/abs/2103.14030, and V2, https://arxiv.org/abs/2111.09883.

torchvision pads the map to whole windows, rolls it, cuts it into windows and heads, and undoes all that, a pass over the
map each; and it projects cells that are only padding. Here cells are projected where they are, and picked for each
window and head in one go. What that takes:

- A padding cell is zero before its projection, so its key and value are their biases. The key's bias adds one number to a
  whole row of scores, which softmax does not see. The value's bias passes through, a row's weights being 1 in sum, and
  is added after the last projection. Without both biases a padding cell's key and value are zero. Nobody reads its query.
- A masked score gets -1000 in place of -100: e^-100 is a denormal number in float32, and products with those are slow on
  a CPU. V2 keeps -100, as its scores may lie further apart than that.

In training torchvision's own form runs, in which every parameter has a gradient.
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


@dataclass(frozen=True)
class Windows:
    """How the cells of a map lie in windows.

    Attributes:
        cells: Windows × cells of a window: the cell's number in the map, row by row; the number after
            the last for padding.
        apart: Windows × cells × cells: whether two cells of a window are no neighbours in the map, so that
            neither attends to the other; None where all are.
    """

    cells: NDArray[np.int64]
    apart: NDArray[np.bool_] | None

    def places(self, count: int) -> NDArray[np.int64]:
        """Per cell of a map of `count` cells its place in `cells`, flattened."""
        flat = self.cells.ravel()
        inside = np.flatnonzero(flat < count)
        found = np.empty(count, np.int64)
        found[flat[inside]] = inside
        return found


def windows(size: Pair, window: Pair, shift: Pair) -> Windows:
    """The windows of a map of that height and width.

    >>> windows((2, 3), (2, 2), (0, 0)).cells.tolist()
    [[0, 1, 3, 4], [2, 6, 5, 6]]
    """
    whole = [-(-side // w) * w for side, w in zip(size, window, strict=True)]
    shift_y, shift_x = (0 if w >= side else s for s, w, side in zip(shift, window, whole, strict=True))
    number = np.full(whole, math.prod(size))
    number[: size[0], : size[1]] = np.arange(math.prod(size)).reshape(size)
    cells = _cut(np.roll(number, (-shift_y, -shift_x), (0, 1)), window)
    if not shift_y and not shift_x:
        return Windows(cells, None)
    rows, columns = (
        np.digitize(np.arange(side), (side - w, side - s))
        for side, w, s in zip(whole, window, (shift_y, shift_x), strict=True)
    )
    region = _cut(3 * rows[:, None] + columns, window)
    return Windows(cells, region[:, :, None] != region[:, None])


def _cut(x: NDArray[np.int64], window: Pair) -> NDArray[np.int64]:
    """A map of whole windows → windows × cells."""
    down, across = x.shape[0] // window[0], x.shape[1] // window[1]
    return x.reshape(down, window[0], across, window[1]).swapaxes(1, 2).reshape(down * across, -1)


@dataclass(frozen=True)
class _Picks:
    """What is picked where: rows of a map of cells × heads for windows × heads × cells, and the way back."""

    number: int
    rows: Tensor
    back: Tensor
    apart: Tensor | None
    padded: bool


def _picks(size: Pair, window: Pair, shift: Pair, heads: int, device: torch.device) -> _Picks:
    made, count = windows(size, window, shift), math.prod(size)
    number, cells = made.cells.shape
    head = np.arange(heads)
    which, cell = np.divmod(made.places(count)[:, None], cells)
    rows = (made.cells[:, None] * heads + head[:, None]).ravel()
    back = ((which * heads + head) * cells + cell).ravel()
    with torch.inference_mode(False):  # kept ones must serve where gradients are asked for too
        return _Picks(
            number,
            torch.from_numpy(rows.astype(np.int32)).to(device),
            torch.from_numpy(back.astype(np.int32)).to(device),
            None if made.apart is None else torch.from_numpy(made.apart)[:, None].to(device),
            padded=made.cells.size > count,
        )


_kept = lru_cache(maxsize=64)(_picks)


def _attend(layer: ShiftedWindowAttention, x: Tensor, masked: float) -> Tensor:
    """(B, H, W, C) → the same, as torchvision's layer would give it."""
    batch, height, width, channels = x.shape
    heads, depth = layer.num_heads, channels // layer.num_heads
    window, shift = ((s[0], s[1]) for s in (layer.window_size, layer.shift_size))
    find = _picks if torch.compiler.is_compiling() else _kept
    picks = find((height, width), window, shift, heads, x.device)
    flat = x.flatten(1, 2)
    if picks.padded:
        flat = F.pad(flat, (0, 0, 0, 1))  # the cell that stands for padding

    def picked(weight: Tensor, bias: Tensor | None = None) -> Tensor:
        rows = F.linear(flat, weight, bias).reshape(batch, -1, depth).index_select(1, picks.rows)
        return rows.reshape(batch, picks.number, heads, -1, depth)

    cosine = getattr(layer, "logit_scale", None)
    scale = depth**-0.5 if cosine is None else 1.0
    weight, bias = layer.qkv.weight, layer.qkv.bias
    query = picked(weight[:channels] * scale, None if bias is None else bias[:channels] * scale)
    key = picked(weight[channels : 2 * channels])
    value = picked(weight[2 * channels :])
    if cosine is not None:
        query = F.normalize(query, dim=-1) * cosine.clamp(max=math.log(100)).exp()
        key = F.normalize(key, dim=-1)
    offset = layer.get_relative_position_bias()
    if picks.apart is not None:
        offset = offset + masked * picks.apart.to(x.dtype)
    seen = (query @ key.transpose(-2, -1) + offset).softmax(-1) @ value
    seen = seen.reshape(batch, -1, depth).index_select(1, picks.back).reshape(x.shape)
    last: Tensor | None = layer.proj.bias
    if bias is not None:
        told = layer.proj.weight @ bias[2 * channels :]
        last = told if last is None else last + told
    return F.linear(seen, layer.proj.weight, last)


class WindowAttention(ShiftedWindowAttention):
    """Swin's."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) → the same shape."""
        return super().forward(x) if self.training else _attend(self, x, -1000.0)


class WindowAttentionV2(ShiftedWindowAttentionV2):
    """Swin V2's, of normalised queries and keys."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) → the same shape."""
        return super().forward(x) if self.training else _attend(self, x, -100.0)


def pick_windows(trunk: nn.Module) -> None:
    """Have the blocks of torchvision's Swin in a trunk attend so; nothing else changes."""
    for module in trunk.modules():
        # These classes add no state to torchvision's.
        if type(module) is ShiftedWindowAttention:
            module.__class__ = WindowAttention
        elif type(module) is ShiftedWindowAttentionV2:
            module.__class__ = WindowAttentionV2
