"""Losses over logits (B, C, H, W) and labels (B, H, W), 255 ignored.

A label of C or more is open: it stands for several classes (`faceparse.labels.with_open_classes`), whose
probabilities are summed. Cross-entropy and focal loss include open pixels; Dice and Lovász, which are
computed per class, leave them out.

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
    """The terms of the loss, a weighted sum; a term of weight 0 is not computed.

    Attributes:
        cross_entropy: Weight of cross-entropy, the mean over pixels that are not ignored.
        class_weights: One factor per class in cross-entropy, in the scheme's order; None for equal factors.
        ohem: Online hard example mining: cross-entropy counts only pixels whose right class has a probability
            below this value, but at least `ohem_least` of all pixels; None for every pixel.
        ohem_least: Smallest share of a batch's pixels that cross-entropy counts.
        dice: Weight of the soft Dice loss.
        lovasz: Weight of the Lovász-softmax loss.
        focal: Weight of the focal loss.
        focal_gamma: Exponent of the focal loss; a larger value discounts well-classified pixels more.
        auxiliary: Factor of the auxiliary heads' losses.
        auxiliary_mean: Whether the auxiliary losses are averaged instead of summed.
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
            raise ConfigError(f"loss.class_weights needs a factor above 0; got {self.class_weights}")


class Loss:
    """The weighted sum that `LossSettings` describes.

    A call takes logits (B, C, H, W) of any float type and labels (B, H, W) int64, computes in float32 and
    returns a scalar. A batch with only ignored pixels has a loss of 0.

    Args:
        settings: The terms and their weights.
        open_classes: For each open label (C, C + 1 …), the classes that it stands for.
    """

    def __init__(self, settings: LossSettings, open_classes: Sequence[Sequence[int]] = ()) -> None:
        self._settings, self._open = settings, open_classes

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Dice sums with a matrix product, which automatic mixed precision would compute in bf16.
        with torch.autocast(logits.device.type, enabled=False):
            return self._sum(logits, labels)

    def _sum(self, logits: Tensor, labels: Tensor) -> Tensor:
        settings = self._settings
        # One row per pixel, and one look-up of the right class for all terms. With channels-last tensors this
        # copies nothing, and all gradients have the same memory layout.
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
        """Return one factor per label; an open label's factor is the mean over its classes."""
        if self._settings.class_weights is None:
            return None
        weights = log_p.new_tensor(self._settings.class_weights)
        return torch.cat([weights, *(weights[list(classes)].mean()[None] for classes in self._open)])


class Pixels(NamedTuple):
    """The pixels of a batch, one row each, as every term reads them.

    Attributes:
        log_p: Log-probabilities (N, C).
        labels: Labels (N,), 0 for ignored pixels.
        counted: bool (N,): not ignored.
        single: bool (N,): not ignored and of exactly one class.
        right: Log-probability (N,) of the right class, or of an open label's classes together.
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
    """Return the mean of −log p over counted pixels, weighted by each pixel's class."""
    share = pixels.counted.to(pixels.right.dtype)
    if weights is not None:
        share = share * weights[pixels.labels]
    return -(share * pixels.right).sum() / share.sum()


def ohem_cross_entropy(pixels: Pixels, score: float, least: float, weights: Tensor | None = None) -> Tensor:
    """Return cross-entropy over the hard pixels only: Shrivastava et al., https://arxiv.org/abs/1604.03540.

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
    """Return soft Dice: 1 − 2·Σpt / (Σp + Σt) per class over the batch, averaged over the classes in the labels.

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
    """Return Lovász-softmax, a surrogate of 1 − IoU, averaged over the classes in the labels.

    Berman et al., https://arxiv.org/abs/1705.08790: for each class, the errors |t − p| are sorted in
    descending order. Each error is weighted by the increase of the Jaccard loss when its pixel turns wrong as
    well.
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
    """Return the mean of −(1 − p)^γ · log p over counted pixels, with p the probability of the right class.

    Source: Lin et al., https://arxiv.org/abs/1708.02002.
    """
    right = pixels.right[pixels.counted]
    return -((1 - right.exp()) ** gamma * right).mean()
