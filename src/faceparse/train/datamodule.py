"""Batches for training and validation from any data set, the same however many workers and processes make them.

What a batch holds is a function of (seed, epoch, position): an interrupted epoch goes on where it stopped, and the
batches of several processes make up one process's batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from faceparse.data import Dataset, Sample
from faceparse.data.converted import Converted
from faceparse.data.landmarks import five_points
from faceparse.errors import DataError
from faceparse.labels import IGNORE
from faceparse.labels.scheme import Scheme
from faceparse.train.augment import Augmentation, augment
from faceparse.train.paste import Donors
from faceparse.train.sampling import Draw, EpochSampler, labels_present, repeat_factors
from faceparse.weights.preprocessing import Preprocessing


class Batch(NamedTuple):
    """What the network learns from.

    Attributes:
        image: uint8 RGB (B, 3, H, W).
        labels: uint8 (B, H, W); at the label maps' own size in validation; 255 is ignore.
        sample: (B,) places in the data set, for messages; −1 for filling.
        landmarks: float32 (B, 5, 2), x and y in the image's pixels, image-left first; empty where the network
            needs none.
    """

    image: Tensor
    labels: Tensor
    sample: Tensor
    landmarks: Tensor = torch.empty(0)


def size_at(sizes: Sequence[tuple[int, int]], epoch: int) -> int:
    """Input size of an epoch from (first epoch, size) rows in ascending order."""
    return [size for first, size in sizes if first <= epoch][-1]


class _Training(TorchDataset[Batch]):
    def __init__(
        self,
        dataset: Dataset,
        sizes: Sequence[tuple[int, int]],
        how: Augmentation,
        seed: int,
        landmarks: bool,
        donors: Donors | None,
    ) -> None:
        self._dataset = dataset
        self._donors = donors
        self._sizes = sizes
        self._how = how
        self._seed = seed
        self._landmarks = landmarks

    def __getitem__(self, draw: Draw) -> Batch:
        rng = np.random.default_rng([self._seed, draw.epoch, draw.position])
        sample = self._dataset[draw.sample]
        size = size_at(self._sizes, draw.epoch)
        points = _five(sample) if self._landmarks else None
        scheme = self._dataset.scheme
        made = augment(sample.image, sample.labels, size, self._how, scheme, rng, points, self._donors)
        return _batch(made.image, made.labels, draw.sample, made.landmarks)


class _Validation(TorchDataset[Batch]):
    """Whole pictures squeezed to the input; index −1 is a picture of which nothing counts."""

    def __init__(self, dataset: Dataset, preprocessing: Preprocessing, landmarks: bool) -> None:
        self._dataset = dataset
        self._preprocessing = preprocessing
        self._landmarks = landmarks

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Batch:
        sample = self._dataset[max(index, 0)]
        labels = sample.labels if index >= 0 else np.full_like(sample.labels, IGNORE)
        image = self._preprocessing.resize(sample.image)
        points = None
        if self._landmarks:
            points = _five(sample) * np.array(image.shape[1::-1]) / np.array(sample.image.shape[1::-1])
        return _batch(image, labels, index, points)


def _five(sample: Sample) -> NDArray[np.float64]:
    if sample.landmarks is None:
        raise DataError(f"{sample.name} has no landmarks, and this network warps pictures by them")
    return five_points(sample.landmarks)


def _batch(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], index: int, points: NDArray[np.float64] | None
) -> Batch:
    return Batch(
        torch.from_numpy(image.copy()).permute(2, 0, 1),
        torch.from_numpy(labels),
        torch.tensor(index),
        torch.empty(0) if points is None else torch.from_numpy(points).float(),
    )


class _Shares(Sampler[int]):
    """Every picture once over all processes; the last round is filled up with −1, for processes step together."""

    def __init__(self, count: int, rank: int, processes: int) -> None:
        rounds = -(-count // processes)
        places = rank + processes * np.arange(rounds)
        self._mine = [int(i) if i < count else -1 for i in places]

    def __len__(self) -> int:
        return len(self._mine)

    def __iter__(self) -> Iterator[int]:
        return iter(self._mine)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


class ParsingData(LightningDataModule):
    """Shuffled random samples for training, whole pictures for validation.

    Args:
        train: Labelled pictures to learn from.
        val: Labelled pictures that choose the checkpoint.
        scheme: Scheme of the batches' labels, to which the data sets' are converted.
        sizes: (first epoch, input size) rows; small sizes first make early epochs cheap.
        how: Ranges of the random samples.
        preprocessing: How pictures are brought to the last size in validation.
        landmarks: Whether batches hold five points of each face; see `Network.needs_landmarks`.
        rare: Threshold of repeat factor sampling; see `repeat_factors`.
        batch_size: Pictures a step and process.
        workers: Processes that read and augment.
        seed: Fixes order and views.
    """

    def __init__(
        self,
        train: Dataset,
        val: Dataset,
        scheme: Scheme,
        *,
        sizes: Sequence[tuple[int, int]],
        how: Augmentation,
        preprocessing: Preprocessing,
        landmarks: bool = False,
        rare: float,
        batch_size: int,
        workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.train, self.val = Converted(train, scheme), Converted(val, scheme)
        self._sizes, self._how = sizes, how
        self._preprocessing, self._landmarks = preprocessing, landmarks
        scan = bool(rare or how.paste)
        present = labels_present(self.train) if scan else np.zeros((len(train), 256), bool)
        self._factors = repeat_factors(present, rare)
        self._donors = Donors(self.train, present, scheme) if how.paste else None
        self._batch_size, self._workers, self._seed = batch_size, workers, seed
        self._resumed = (0, 0)

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)

    def state_dict(self) -> dict[str, Any]:
        """How many batches of which epoch are done; kept in checkpoints."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop.epoch_loop
        return {"epoch": self.trainer.current_epoch, "batches": loop.batch_progress.current.completed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on in that epoch after those batches."""
        self._resumed = (state_dict["epoch"], state_dict["batches"])

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled random samples of the epoch that begins: images and labels (B, size, size).

        Lightning asks for it at every epoch (`reload_dataloaders_every_n_epochs`), for workers draw ahead.
        """
        rank, processes = self._place()
        sampler = EpochSampler(self._factors, self._seed, self._batch_size, rank, processes)
        sampler.set_epoch(self.trainer.current_epoch if self.trainer is not None else 0)
        epoch, batches = self._resumed
        sampler.skip(epoch, batches * self._batch_size)
        return DataLoader(
            _Training(self.train, self._sizes, self._how, self._seed, self._landmarks, self._donors),
            self._batch_size,
            sampler=sampler,
            num_workers=self._workers,
            worker_init_fn=_one_thread,
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """Whole pictures squeezed to the last size, one a batch, with label maps at their own size."""
        dataset = _Validation(self.val, self._preprocessing, self._landmarks)
        return DataLoader(
            dataset,
            1,
            sampler=_Shares(len(self.val), *self._place()),
            num_workers=self._workers,
            worker_init_fn=_one_thread,
        )
