"""Losses over logits (B, C, H, W) and labels (B, H, W), 255 ignored.

A label of C or more is open: the pixel is of one of several classes (`faceparse.labels.with_open_classes`), whose
probabilities add up. Cross-entropy and focal loss count it so; Dice and Lovász, which count whole classes, leave it out.

>>> import torch
>>> loss = Loss(LossSettings(dice=0.5))
>>> float(loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)))  # ln 2 + 0.5 · (1 − 2/3)
0.85...
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from faceparse.errors import ConfigError
from faceparse.labels import IGNORE
from faceparse.tables import Rule, at_least, between, check

NotNegative = Annotated[float, at_least(0)]


@dataclass(frozen=True)
class LossSettings:
    """What is minimised: a weighted sum; a term of weight 0 is not computed.

    Attributes:
        cross_entropy: Weight of cross-entropy, the mean over counted pixels.
        class_weights: One factor per class in cross-entropy, in the scheme's order; None for equal ones.
        ohem: Online hard example mining: only pixels whose right class has less than this probability count
            in cross-entropy, and never less than `ohem_least` of all; None for every pixel.
        ohem_least: Share of a batch's pixels that count at least.
        dice: Weight of the soft Dice loss.
        lovasz: Weight of the Lovász-softmax loss.
        focal: Weight of the focal loss.
        focal_gamma: How much the focal loss discounts pixels that are right already.
        auxiliary: Factor of the auxiliary heads' losses.
        auxiliary_mean: Whether their mean counts, and not their sum.
    """

    cross_entropy: NotNegative = 1.0
    class_weights: list[NotNegative] | None = None
    ohem: Annotated[float, Rule("between 0 and 1", lambda probability: 0 < probability < 1)] | None = None
    ohem_least: Annotated[float, between(0, 1)] = 1 / 16
    dice: NotNegative = 0.0
    lovasz: NotNegative = 0.0
    focal: NotNegative = 0.0
    focal_gamma: NotNegative = 2.0
    auxiliary: NotNegative = 1.0
    auxiliary_mean: bool = False

    def __post_init__(self) -> None:
        check(self, "loss")
        if not any((self.cross_entropy, self.dice, self.lovasz, self.focal)):
            raise ConfigError(
                "the loss has no term: give --loss.cross_entropy, dice, lovasz or focal a weight above 0"
            )
        if self.class_weights is not None and not any(self.class_weights):
            raise ConfigError(f"loss.class_weights are not all 0; got {self.class_weights}")


class Loss:
    """The weighted sum that `LossSettings` describes.

    Called with logits (B, C, H, W), any float type, computed in float32, and labels (B, H, W) int64; gives a
    scalar. A batch without a counted pixel costs 0.

    Args:
        settings: The terms and their weights.
        open_classes: For each label from C on, the classes that it may be.
    """

    def __init__(self, settings: LossSettings, open_classes: Sequence[Sequence[int]] = ()) -> None:
        self._settings, self._open = settings, open_classes

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Dice sums by a product of matrices, which automatic precision would make in bf16.
        with torch.autocast(logits.device.type, enabled=False):
            return self._sum(logits, labels)

    def _sum(self, logits: Tensor, labels: Tensor) -> Tensor:
        settings = self._settings
        # A row a pixel, and one look-up of the right class for all terms: with channels last, as networks are
        # trained, nothing is copied for it, and every gradient comes in the layout of what it is added to.
        log_p = logits.float().movedim(1, -1).reshape(-1, logits.shape[1]).log_softmax(1)
        pixels = Pixels.of(log_p, labels.reshape(-1), self._open)
        if not pixels.counted.any():
            return 0 * log_p.sum()
        total = log_p.new_zeros(())
        if settings.cross_entropy:
            weights = self._weights(log_p)
            if settings.ohem is None:
                term = weighted_cross_entropy(pixels, weights)
            else:
                term = ohem_cross_entropy(pixels, settings.ohem, settings.ohem_least, weights)
            total = total + settings.cross_entropy * term
        if settings.dice:
            total = total + settings.dice * dice_loss(pixels)
        if settings.lovasz:
            total = total + settings.lovasz * lovasz_softmax(pixels)
        if settings.focal:
            total = total + settings.focal * focal_loss(pixels, settings.focal_gamma)
        return total

    def _weights(self, log_p: Tensor) -> Tensor | None:
        """One factor per label; that of an open one is the mean of its classes'."""
        if self._settings.class_weights is None:
            return None
        weights = log_p.new_tensor(self._settings.class_weights)
        return torch.cat([weights, *(weights[list(classes)].mean()[None] for classes in self._open)])


class Pixels(NamedTuple):
    """A batch's pixels, a row each, as every term reads them.

    Attributes:
        log_p: Log-probabilities (N, C).
        labels: Labels (N,), 0 where none counts.
        counted: Which are counted, bool (N,).
        single: Which of them are one class, bool (N,).
        right: Log-probability of the right class or classes (N,).
    """

    log_p: Tensor
    labels: Tensor
    counted: Tensor
    single: Tensor
    right: Tensor

    @classmethod
    def of(cls, log_p: Tensor, labels: Tensor, open_classes: Sequence[Sequence[int]] = ()) -> Pixels:
        counted = labels != IGNORE
        labels = labels.where(counted, 0)
        single = counted & (labels < log_p.shape[1])
        right = log_p.gather(1, labels.where(single, 0).unsqueeze(1)).squeeze(1)
        for label, classes in enumerate(open_classes, log_p.shape[1]):
            where = labels == label
            together = log_p[where][:, list(classes)].logsumexp(1)
            right = right.masked_scatter(where, together)
        return cls(log_p, labels, counted, single, right)


def weighted_cross_entropy(pixels: Pixels, weights: Tensor | None = None) -> Tensor:
    """Mean over counted pixels of −log p, each weighted by its class."""
    share = pixels.counted.to(pixels.right.dtype)
    if weights is not None:
        share = share * weights[pixels.labels]
    return -(share * pixels.right).sum() / share.sum()


def ohem_cross_entropy(pixels: Pixels, score: float, least: float, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy over the hard pixels alone: Shrivastava et al., https://arxiv.org/abs/1604.03540.

    A pixel is hard if its right class has a probability below `score`. At least the `least` · B·H·W hardest
    pixels count, as in BiSeNet's published training code.
    """
    loss = -pixels.right if weights is None else -pixels.right * weights[pixels.labels]
    counted = loss[pixels.counted]
    hard = counted[counted > -math.log(score)]
    fewest = min(int(loss.numel() * least), counted.numel())
    if hard.numel() < fewest:
        hard = counted.topk(fewest).values
    return hard.mean() if hard.numel() else counted.mean()


def dice_loss(pixels: Pixels) -> Tensor:
    """Soft Dice: 1 − 2·Σpt / (Σp + Σt) per class over the whole batch, mean over the classes it holds.

    Milletari et al., https://arxiv.org/abs/1606.04797.
    """
    log_p, single = pixels.log_p, pixels.single
    share, classes = single.to(log_p.dtype), log_p.shape[1]
    if not single.any():
        return 0 * log_p.sum()
    mass = share @ log_p.exp()
    labels = pixels.labels.where(single, 0)
    overlap = log_p.new_zeros(classes).index_add(0, labels, share * pixels.right.exp())
    size = torch.bincount(labels[single], minlength=classes).to(log_p.dtype)
    score = 2 * overlap / (mass + size).clamp_min(1)
    return (1 - score[size > 0]).mean()


def lovasz_softmax(pixels: Pixels) -> Tensor:
    """Lovász-softmax, a surrogate of 1 − IoU, mean over the classes that the batch holds.

    Berman et al., https://arxiv.org/abs/1705.08790: per class the errors |t − p| are sorted, and each is
    weighted by how much the Jaccard loss rises when its pixel turns wrong too.
    """
    p, target = pixels.log_p[pixels.single].exp(), pixels.labels[pixels.single]
    losses = [0 * pixels.log_p.sum()] if not len(target) else []
    for index in torch.unique(target).tolist():
        truth = (target == index).float()
        errors, order = (truth - p[:, index]).abs().sort(descending=True)
        ordered = truth[order]
        union = ordered.sum() + (1 - ordered).cumsum(0)
        jaccard = 1 - (ordered.sum() - ordered.cumsum(0)) / union
        losses.append(errors @ torch.diff(jaccard, prepend=jaccard.new_zeros(1)))
    return torch.stack(losses).mean()


def focal_loss(pixels: Pixels, gamma: float) -> Tensor:
    """Mean over counted pixels of −(1 − p)^γ · log p: Lin et al., https://arxiv.org/abs/1708.02002."""
    right = pixels.right[pixels.counted]
    return -((1 - right.exp()) ** gamma * right).mean()
