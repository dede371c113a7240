"""Batches for training and validation from any data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from faceparse.data import Dataset
from faceparse.labels import conversion
from faceparse.labels.scheme import Scheme
from faceparse.train.augment import Augmentation, augment
from faceparse.train.sampling import Draw, EpochSampler, repeat_factors
from faceparse.weights.preprocessing import Preprocessing


def size_at(sizes: Sequence[tuple[int, int]], epoch: int) -> int:
    """Input size of an epoch from (first epoch, size) rows in ascending order."""
    return [size for first, size in sizes if first <= epoch][-1]


class _Training(TorchDataset[tuple[Tensor, Tensor]]):
    def __init__(
        self,
        dataset: Dataset,
        scheme: Scheme,
        sizes: Sequence[tuple[int, int]],
        how: Augmentation,
        seed: int,
    ) -> None:
        self._dataset = dataset
        self._scheme = scheme
        self._convert = conversion(dataset.scheme, scheme)
        self._sizes = sizes
        self._how = how
        self._seed = seed

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self._seed, draw.epoch, draw.position])
        sample = self._dataset[draw.sample]
        self._dataset.scheme.check(sample.labels, sample.name)
        size = size_at(self._sizes, draw.epoch)
        image, labels = augment(
            sample.image, self._convert(sample.labels), size, self._how, self._scheme, rng
        )
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(labels)


class _Validation(TorchDataset[tuple[Tensor, Tensor]]):
    def __init__(self, dataset: Dataset, scheme: Scheme, size: int) -> None:
        self._dataset = dataset
        self._convert = conversion(dataset.scheme, scheme)
        self._preprocessing = Preprocessing((size, size))

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self._dataset[index]
        self._dataset.scheme.check(sample.labels, sample.name)
        image = self._preprocessing.resize(sample.image).copy()
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(self._convert(sample.labels))


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def training_loader(
    dataset: Dataset,
    scheme: Scheme,
    sizes: Sequence[tuple[int, int]],
    how: Augmentation,
    *,
    rare: float,
    batch_size: int,
    workers: int,
    seed: int,
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Shuffled random views: uint8 RGB (B, 3, size, size) and uint8 labels (B, size, size) in `scheme`.

    Args:
        sizes: (first epoch, input size) rows; small sizes first make early epochs cheap.
        rare: Threshold of repeat factor sampling; see `repeat_factors`.
    """
    sampler = EpochSampler(repeat_factors(dataset, rare), seed)
    options: dict[str, Any] = {"persistent_workers": True} if workers else {}
    return DataLoader(
        _Training(dataset, scheme, sizes, how, seed),
        batch_size,
        sampler=sampler,
        num_workers=workers,
        worker_init_fn=_one_thread,
        drop_last=len(sampler) > batch_size,
        **options,
    )


def validation_loader(
    dataset: Dataset, scheme: Scheme, size: int, *, workers: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Whole pictures squeezed to `size`, one a batch, with label maps at their own size."""
    return DataLoader(_Validation(dataset, scheme, size), 1, num_workers=workers, worker_init_fn=_one_thread)
