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
    """One place in one epoch; with the seed it fixes the random sample, whichever worker makes it."""

    epoch: int
    position: int
    sample: int


def labels_present(dataset: Dataset) -> NDArray[np.bool_]:
    """Which labels each picture's map holds, N × 256; every label map is read once."""
    present = np.zeros((len(dataset), 256), bool)
    for i in range(len(dataset)):
        present[i] = np.bincount(dataset.labels(i).reshape(-1), minlength=256) > 0
    return present


def repeat_factors(present: NDArray[np.bool_], threshold: float) -> NDArray[np.float64]:
    """How often to show each picture per epoch so that rare classes are seen.

    Repeat factor sampling (Gupta et al., LVIS, https://arxiv.org/abs/1908.03195): a class in a share f
    of the pictures gets √(threshold / f), at least 1; a picture gets the largest of its classes'.

    Args:
        present: Which labels each picture holds; see `labels_present`.
        threshold: Share of pictures under which a class counts as rare; 0 shows every picture once.
    """
    present = present.copy()
    present[:, [0, IGNORE]] = False
    share = present.mean(0)
    factor = np.maximum(1.0, np.sqrt(threshold / np.maximum(share, 1e-9)))
    return np.asarray(np.where(present, factor, 1.0).max(1))


def validation_shares(count: int, rank: int, processes: int) -> list[int]:
    """Places of one process's pictures: each once over all processes, then −1, for processes step together."""
    return [
        place if place < count else -1 for place in range(rank, -(-count // processes) * processes, processes)
    ]


class EpochSampler(Sampler[Draw]):
    """Draws of one epoch, shuffled; fractions of a repeat factor are settled at random each epoch.

    Every epoch has the same number of draws, so that schedules know their length: the factors' sum, rounded,
    less what does not fill a last batch. Several processes share each batch's worth of draws: their batches
    together are those of one process with a batch size as many times as large.

    Args:
        factors: How often each picture is shown an epoch.
        seed: Fixes the order.
        epoch: Which epoch.
        done: Draws that it begins after: those seen before an interruption.
        batch_size: Of one process.
        rank: Which process this is.
        processes: How many there are.
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
        else:  # less than one batch: a short one, of the same length in every process
            places = np.arange(rank, -(-self._draws // processes) * processes, processes) % self._draws
        self._places = places.reshape(-1)

    def __len__(self) -> int:
        """All of the epoch's draws, those done too."""
        return len(self._places)

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng([self._seed, self._epoch])
        # Systematic sampling: floor or ceil of each factor, in proportion, and exactly `draws` in all.
        shuffled = rng.permutation(len(self._factors))
        edges = np.cumsum(self._factors[shuffled]) * (self._draws / self._factors.sum())
        picks = np.searchsorted(edges, np.arange(self._draws) + rng.random(), side="right")
        samples = rng.permutation(shuffled[np.minimum(picks, len(shuffled) - 1)])
        for position in self._places[self._done :]:
            yield Draw(self._epoch, int(position), int(samples[position]))
