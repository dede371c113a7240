"""Which pictures an epoch shows, and in what order: a function of (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from faceparse.data import Dataset
from faceparse.labels import IGNORE


class Draw(NamedTuple):
    """One place in one epoch; with the seed it fixes the random view, whichever worker makes it."""

    epoch: int
    position: int
    sample: int


def repeat_factors(dataset: Dataset, threshold: float) -> NDArray[np.float64]:
    """How often to show each picture per epoch so that rare classes are seen.

    Repeat factor sampling (Gupta et al., LVIS, https://arxiv.org/abs/1908.03195): a class in a share f
    of the pictures gets √(threshold / f), at least 1; a picture gets the largest of its classes'.

    Args:
        dataset: Its label maps are read once.
        threshold: Share of pictures under which a class counts as rare; 0 shows every picture once.
    """
    if threshold <= 0:
        return np.ones(len(dataset))
    present = np.zeros((len(dataset), 256), bool)
    for i in range(len(dataset)):
        present[i] = np.bincount(dataset.labels(i).reshape(-1), minlength=256) > 0
    present[:, [0, IGNORE]] = False
    share = present.mean(0)
    factor = np.maximum(1.0, np.sqrt(threshold / np.maximum(share, 1e-9)))
    largest: NDArray[np.float64] = np.where(present, factor, 1.0).max(1)
    return largest


class EpochSampler(Sampler[Draw]):
    """Draws of one epoch, shuffled; fractions of a repeat factor are settled at random each epoch.

    Every epoch has the same number of draws, the factors' sum rounded, so that schedules know their length.
    """

    def __init__(self, factors: NDArray[np.float64], seed: int) -> None:
        self._factors = factors
        self._seed = seed
        self._epoch = 0
        self._length = round(float(factors.sum()))

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this at the start of each epoch, a resumed one too."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng([self._seed, self._epoch])
        # Systematic sampling: floor or ceil of each factor, in proportion, and exactly `length` in all.
        shuffled = rng.permutation(len(self._factors))
        edges = np.cumsum(self._factors[shuffled]) * (self._length / self._factors.sum())
        picks = np.searchsorted(edges, np.arange(self._length) + rng.random(), side="right")
        samples = rng.permutation(shuffled[np.minimum(picks, len(shuffled) - 1)])
        for position, sample in enumerate(samples):
            yield Draw(self._epoch, position, int(sample))
