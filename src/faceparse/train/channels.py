"""Merge a network's channels into the classes of its result scheme (`faceparse.weights.merging`), in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from faceparse.labels import Scheme, conversion


def channels(source: Scheme, target: Scheme) -> list[list[int]] | None:
    """Return, for each class of `target`, the labels of `source` that convert to it; None if both schemes are equal."""
    if source == target:
        return None
    table = conversion(source, target).table[: len(source)]
    return [np.flatnonzero(table == label).tolist() for label in range(len(target))]


def strongest(logits: Tensor, channels: Sequence[Sequence[int]] | None) -> Tensor:
    """Return logits (B, classes, H, W): each class gets the highest logit of its channels."""
    if channels is None:
        return logits
    return torch.stack([logits[:, list(which)].amax(1) for which in channels], 1)
