"""Logits of a scheme as those of the scheme that it is read as (`faceparse.weights.merging.result_scheme`), in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from faceparse.labels import Scheme, conversion


def channels(own: Scheme, target: Scheme) -> list[list[int]] | None:
    """Per class of `target`, the classes of `own` that are read as it; None where the two are one."""
    if own == target:
        return None
    table = conversion(own, target).table[: len(own)]
    return [np.flatnonzero(table == label).tolist() for label in range(len(target))]


def strongest(logits: Tensor, channels: Sequence[Sequence[int]] | None) -> Tensor:
    """Logits (B, classes, H, W): each class the strongest of its channels."""
    if channels is None:
        return logits
    return torch.stack([logits[:, list(which)].amax(1) for which in channels], 1)
