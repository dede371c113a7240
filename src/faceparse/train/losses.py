"""Losses over logits (B, C, H, W) and labels (B, H, W), 255 ignored."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from faceparse.labels import IGNORE


def cross_entropy_dice(logits: Tensor, labels: Tensor, dice: float = 0.5) -> Tensor:
    """Cross-entropy + `dice` × soft Dice loss.

    Dice (Milletari et al., https://arxiv.org/abs/1606.04797) is 1 − 2·Σpt / (Σp + Σt) per class over the
    whole batch, averaged over the classes that the batch's labels hold.

    Args:
        logits: (B, C, H, W), any float type; computed in float32.
        labels: (B, H, W) int64; 255 does not count.
    """
    log_p = logits.float().log_softmax(1)
    cross_entropy = F.nll_loss(log_p, labels, ignore_index=IGNORE)
    if not dice:
        return cross_entropy
    counted = labels != IGNORE
    p = log_p.exp() * counted.unsqueeze(1)
    classes = logits.shape[1]
    target = labels.where(counted, 0)
    overlap = torch.zeros(classes, dtype=p.dtype, device=p.device).index_add(
        0, target.reshape(-1), p.gather(1, target.unsqueeze(1)).reshape(-1)
    )
    size = torch.bincount(labels[counted], minlength=classes).to(p.dtype)
    score = 2 * overlap / (p.sum((0, 2, 3)) + size).clamp_min(1)
    present = size > 0
    return cross_entropy + dice * (1 - score[present]).mean()
