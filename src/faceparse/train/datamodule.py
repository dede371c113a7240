"""Batches for training and validation from any data set, the same for any number of workers and processes.

A batch depends only on (seed, epoch, position): an interrupted epoch continues where it stopped, and the
batches of several processes together equal one process's batch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from faceparse.data import Dataset, Sample, open_dataset
from faceparse.data.cache import cache
from faceparse.data.derived import Concatenated, Converted, Cropped
from faceparse.data.landmarks import five_points
from faceparse.data.registry import DATASETS
from faceparse.data.unlabelled import Unlabelled
from faceparse.errors import DataError
from faceparse.labels import IGNORE, with_open_classes
from faceparse.labels.scheme import Scheme
from faceparse.train.augment import augment
from faceparse.train.paste import Donors
from faceparse.train.sampling import Draw, EpochSampler, labels_present, repeat_factors, validation_shares
from faceparse.train.settings import DataSettings, Settings, height_width
from faceparse.weights.preprocessing import Preprocessing

log = logging.getLogger(__name__)


class Batch(NamedTuple):
    """One batch of samples.

    Attributes:
        image: uint8 RGB (B, 3, H, W).
        labels: uint8 (B, H, W), in validation at the label map's original size; 255 is ignore.
        sample: (B,) indices in the data set, for messages; −1 for padding.
        landmarks: float32 (B, 5, 2): x and y in pixels of `image`, image-left first; empty if the network
            needs none.
        clean: uint8 RGB (B, 3, H, W): the images before occlusion and degradation; empty without teachers.
        genuine: bool (B, H, W): where `image` shows the original picture; empty without teachers.
    """

    image: Tensor
    labels: Tensor
    sample: Tensor
    landmarks: Tensor = torch.empty(0)
    clean: Tensor = torch.empty(0)
    genuine: Tensor = torch.empty(0)


def size_at(sizes: Sequence[tuple[int, int | tuple[int, int]]], epoch: int) -> tuple[int, int]:
    """Return input height and width of an epoch from rows of (first epoch, size) in ascending order."""
    return [height_width(size) for first, size in sizes if first <= epoch][-1]


class _Training(TorchDataset[Batch]):
    def __init__(
        self,
        dataset: Dataset,
        settings: Settings,
        landmarks: bool,
        portraits: NDArray[np.bool_],
        donors: Donors | None,
    ) -> None:
        self._dataset, self._settings, self._landmarks = dataset, settings, landmarks
        self._portraits, self._donors = portraits, donors

    def __getitem__(self, draw: Draw) -> Batch:
        rng = np.random.default_rng([self._settings.seed, draw.epoch, draw.position])
        picture = self._dataset[draw.sample]
        size = size_at(self._settings.sizes, draw.epoch)
        points = _five(picture) if self._landmarks else None
        how = self._settings.augmentation
        if not self._portraits[draw.sample]:
            how = replace(how, scene=0.0, paste=0.0)
        scheme = self._dataset.scheme
        sample = augment(picture.image, picture.labels, size, how, scheme, rng, points, self._donors)
        batch = _batch(sample.image, sample.labels, draw.sample, sample.landmarks)
        if not self._settings.teachers:
            return batch
        clean = torch.from_numpy(sample.clean.copy()).permute(2, 0, 1)
        return batch._replace(clean=clean, genuine=torch.from_numpy(sample.genuine))


class _Validation(TorchDataset[Batch]):
    """Whole pictures resized to the input size; index −1 is a padding picture with all labels ignored."""

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
        raise DataError(f"{sample.name} has no landmarks, by which this network warps pictures")
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


def with_splits(settings: Settings) -> Settings:
    """Return the settings with splits by share (95 % and 5 %) if the data set has no splits and none were chosen."""
    data, shares = settings.data, [f"{share}%@{settings.seed}" for share in ("0-95", "95-100")]
    if (data.train, data.val) != ("train", "val") or DATASETS.find(data.kind).splits(data.root):
        return settings
    log.warning("%s has no splits: --data.train %s --data.val %s (by the names' hash)", data.root, *shares)
    return replace(settings, data=replace(data, train=shares[0], val=shares[1]))


def _datasets(data: DataSettings) -> tuple[Dataset, Dataset, list[Dataset], list[Dataset]]:
    """Return the data sets for training, validation, unlabelled pictures and `data.also`, each in its own scheme."""

    def kept(dataset: Dataset) -> Dataset:
        return dataset if data.cache is None else cache(dataset, data.cache)

    train: Dataset = open_dataset(data.kind, data.root, data.train, data.scheme)
    val: Dataset = open_dataset(data.kind, data.root, data.val, data.scheme)
    if shared := set(train.names) & set(val.names):
        log.warning(
            "%d of %d validation pictures are training pictures too: the figure flatters",
            len(shared),
            len(val),
        )
    unlabelled = [] if data.unlabelled is None else [kept(Unlabelled(data.unlabelled, train.scheme))]
    also = [kept(open_dataset(d.kind, d.root, d.train, d.scheme)) for d in data.also.values()]
    train, val = kept(train), kept(val)
    if data.crop:
        train, val = Cropped(train), Cropped(val)
    return train, val, unlabelled, also


class Queued(DataLoader[Batch]):
    """A data loader that reports how many batches its workers have ready."""

    _batches: Iterator[Batch] | None = None

    def __iter__(self) -> Any:
        self._batches = super().__iter__()
        return self._batches

    @property
    def ready(self) -> int | None:
        """Number of batches ready to be taken; None without workers, or if the system cannot tell."""
        queue = getattr(self._batches, "_worker_result_queue", None)
        try:
            return None if queue is None else int(queue.qsize())
        except NotImplementedError:  # macOS
            return None


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


class ParsingData(LightningDataModule):
    """Shuffled random samples for training, whole pictures for validation.

    Args:
        settings: Settings of the run; they name the data sets and the augmentation.
        scheme: Scheme of the batches' labels; the data sets' labels are converted to it. Labels that stand
            for several classes (`Scheme.merges`) get numbers after the scheme's own.
        landmarks: Whether batches hold five points of each face; see `Network.needs_landmarks`.

    Raises:
        DataError, LabelError: a data set that does not match its layout, or whose scheme does not convert.
    """

    def __init__(self, settings: Settings, scheme: Scheme, landmarks: bool = False) -> None:
        super().__init__()
        train, val, unlabelled, also = _datasets(settings.data)
        further = [*unlabelled, *also]
        learned = with_open_classes(scheme, train.scheme, *(dataset.scheme for dataset in further))
        first = Converted(train, learned)
        self.train = Concatenated(first, *(Converted(dataset, learned) for dataset in further))
        self.val = Converted(val, scheme)
        beyond = learned.merges[len(scheme.merges) :]
        self.open_classes = [[learned.id(name) for name in members] for _, members in beyond]
        self._settings, self._landmarks = settings, landmarks
        paste, rare = settings.augmentation.paste, settings.rare
        present = labels_present(first) if paste or rare else np.zeros((len(first), 256), bool)
        self._donors = Donors(first, present, learned) if paste else None
        # How often an epoch shows each picture, and whether the picture is a portrait in the first data set's framing.
        factors = [repeat_factors(present, rare), *(np.ones(len(dataset)) for dataset in unlabelled)]
        portraits = [True, *(False for _ in unlabelled)]
        shares = settings.data.also.values()
        whole = sum(f.sum() for f in factors) / (1 - sum(d.share for d in shares))
        for dataset, how in zip(also, shares, strict=True):
            factors.append(np.full(len(dataset), how.share * whole / len(dataset)))
            portraits.append(how.portraits)
        self._factors = np.concatenate(factors)
        self._portraits = np.repeat(portraits, [len(f) for f in factors])
        self._batches_done: dict[int, int] = {}

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)

    def state_dict(self) -> dict[str, Any]:
        """Return the current epoch and its number of finished batches, for checkpoints."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop.epoch_loop
        return {"epoch": self.trainer.current_epoch, "batches": loop.batch_progress.current.completed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue in the epoch of a checkpoint after its finished batches."""
        self._batches_done = {state_dict["epoch"]: state_dict["batches"]}

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return a loader of shuffled random samples for the next epoch: images and labels (B, size, size).

        Lightning asks for a new loader at every epoch (`reload_dataloaders_every_n_epochs`), because workers
        prefetch.
        """
        size, seed = self._settings.batch_size, self._settings.seed
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        done = size * self._batches_done.get(epoch, 0)
        sampler = EpochSampler(self._factors, seed, epoch, done, size, *self._place())
        dataset = _Training(self.train, self._settings, self._landmarks, self._portraits, self._donors)
        return Queued(dataset, size, sampler=sampler, **self._workers())

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return a loader of single pictures, resized to the last input size; label maps keep their original size."""
        dataset = _Validation(self.val, self._settings.preprocessing, self._landmarks)
        shares = validation_shares(len(self.val), *self._place())
        return DataLoader(dataset, 1, sampler=shares, **self._workers())

    def _workers(self) -> dict[str, Any]:
        return {"num_workers": self._settings.data.workers, "worker_init_fn": _one_thread}
