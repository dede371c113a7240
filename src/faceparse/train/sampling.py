"""The pictures of an epoch and their order, which depend only on (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from faceparse.data import Dataset
from faceparse.labels import IGNORE


class Draw(NamedTuple):
    """One position in one epoch; with the seed it determines the random sample, whichever worker draws it."""

    epoch: int
    position: int
    sample: int


def labels_present(dataset: Dataset) -> NDArray[np.bool_]:
    """Return which labels each picture's label map holds, bool N × 256; reads every label map once."""
    present = np.zeros((len(dataset), 256), bool)
    for i in range(len(dataset)):
        present[i] = np.bincount(dataset.labels(i).reshape(-1), minlength=256) > 0
    return present


def repeat_factors(present: NDArray[np.bool_], threshold: float) -> NDArray[np.float64]:
    """Return how often to show each picture per epoch, so that rare classes are seen.

    Repeat factor sampling (Gupta et al., LVIS, https://arxiv.org/abs/1908.03195): a class that occurs in a
    share f of the pictures gets √(threshold / f), at least 1. A picture gets the largest factor of its
    classes.

    Args:
        present: Labels in each picture; see `labels_present`.
        threshold: A class in fewer pictures than this share is rare; 0 shows every picture once.
    """
    present = present.copy()
    present[:, [0, IGNORE]] = False
    share = present.mean(0)
    factor = np.maximum(1.0, np.sqrt(threshold / np.maximum(share, 1e-9)))
    return np.asarray(np.where(present, factor, 1.0).max(1))


def validation_shares(count: int, rank: int, processes: int) -> list[int]:
    """Return the picture indices of one process, padded with −1 to the same length in every process."""
    return [
        place if place < count else -1 for place in range(rank, -(-count // processes) * processes, processes)
    ]


class EpochSampler(Sampler[Draw]):
    """The draws of one epoch, shuffled; each epoch rounds fractional repeat factors at random.

    Every epoch has the same number of draws, so that schedules know their length: the rounded sum of the
    factors, less an incomplete last batch. Several processes split each batch: together their batches equal
    one process's batches of `batch_size` × `processes`.

    Args:
        factors: How often an epoch shows each picture.
        seed: Seed of the order.
        epoch: Number of the epoch.
        done: Number of draws to skip, which were seen before an interruption.
        batch_size: Batch size of one process.
        rank: Number of this process.
        processes: Number of processes.
    """

    def __init__(
        self,
        factors: NDArray[np.float64],
        seed: int,
        epoch: int = 0,
        done: int = 0,
        batch_size: int = 1,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._factors, self._seed, self._epoch, self._done = factors, seed, epoch, done
        self._draws = round(float(factors.sum()))
        step = batch_size * processes
        if self._draws >= step:
            places = np.arange(self._draws // step * step).reshape(-1, processes, batch_size)[:, rank]
        else:  # less than one batch: a short batch, of the same length in every process
            places = np.arange(rank, -(-self._draws // processes) * processes, processes) % self._draws
        self._places = places.reshape(-1)

    def __len__(self) -> int:
        """Return the number of the epoch's draws, including those already done."""
        return len(self._places)

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng([self._seed, self._epoch])
        # Systematic sampling: each picture occurs floor(factor) or ceil(factor) times, exactly `draws` in total.
        shuffled = rng.permutation(len(self._factors))
        edges = np.cumsum(self._factors[shuffled]) * (self._draws / self._factors.sum())
        picks = np.searchsorted(edges, np.arange(self._draws) + rng.random(), side="right")
        samples = rng.permutation(shuffled[np.minimum(picks, len(shuffled) - 1)])
        for position in self._places[self._done :]:
            yield Draw(self._epoch, int(position), int(samples[position]))
