"""Batches for training and validation from any data set, the same however many workers and processes make them.

What a batch holds is a function of (seed, epoch, position): an interrupted epoch goes on where it stopped, and the
batches of several processes make up one process's batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from faceparse.data.derived import Concatenated, Converted
from faceparse.data.landmarks import five_points
from faceparse.errors import DataError
from faceparse.labels import IGNORE, with_open_classes
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
        clean: uint8 RGB (B, 3, H, W): the image before it was covered and spoilt; empty where nobody teaches.
        genuine: bool (B, H, W): where it shows what the picture did; likewise.
    """

    image: Tensor
    labels: Tensor
    sample: Tensor
    landmarks: Tensor = torch.empty(0)
    clean: Tensor = torch.empty(0)
    genuine: Tensor = torch.empty(0)


class Source(NamedTuple):
    """A further data set to learn from.

    Attributes:
        dataset: Labelled pictures.
        share: Share of all samples that are its own.
        portraits: Whether they have the first data set's framing: only such ones are pasted into, and set into scenes.
    """

    dataset: Dataset
    share: float
    portraits: bool = False


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
        portraits: NDArray[np.bool_],
        teach: bool,
    ) -> None:
        self._dataset = dataset
        self._portraits, self._teach = portraits, teach
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
        how = self._how if self._portraits[draw.sample] else replace(self._how, scene=0.0, paste=0.0)
        made = augment(sample.image, sample.labels, size, how, scheme, rng, points, self._donors)
        batch = _batch(made.image, made.labels, draw.sample, made.landmarks)
        if not self._teach:
            return batch
        clean = torch.from_numpy(made.clean.copy()).permute(2, 0, 1)
        return batch._replace(clean=clean, genuine=torch.from_numpy(made.genuine))


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


def _shared_out(
    factors: NDArray[np.float64], also: Sequence[Source]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How often each picture of all data sets is shown an epoch, and whether it is a portrait in the first one's framing."""
    whole = factors.sum() / (1 - sum(source.share for source in also))
    counts = [len(source.dataset) for source in also]
    others = [np.full(n, source.share * whole / n) for n, source in zip(counts, also, strict=True)]
    portraits = np.repeat([True, *(source.portraits for source in also)], [len(factors), *counts])
    return np.concatenate([factors, *others]), portraits


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


class Queued(DataLoader[Batch]):
    """A loader that says how many batches its workers have ready."""

    _batches: Iterator[Batch] | None = None

    def __iter__(self) -> Any:
        self._batches = super().__iter__()
        return self._batches

    @property
    def ready(self) -> int | None:
        """Batches that wait to be taken; None where the run itself makes them, or the system does not say."""
        queue = getattr(self._batches, "_worker_result_queue", None)
        try:
            return None if queue is None else int(queue.qsize())
        except NotImplementedError:  # macOS
            return None

    @property
    def room(self) -> int:
        """Batches that the workers make ahead at most."""
        return self.num_workers * (self.prefetch_factor or 0)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


class ParsingData(LightningDataModule):
    """Shuffled random samples for training, whole pictures for validation.

    Args:
        train: Labelled pictures to learn from.
        val: Labelled pictures that choose the checkpoint.
        scheme: Scheme of the batches' labels, to which the data sets' are converted; labels that leave open which of
            several classes they are (`Scheme.merges`) come after its own.
        also: Further pictures to learn from.
        sizes: (first epoch, input size) rows; small sizes first make early epochs cheap.
        how: Ranges of the random samples.
        preprocessing: How pictures are brought to the last size in validation.
        landmarks: Whether batches hold five points of each face; see `Network.needs_landmarks`.
        teach: Whether batches hold what teachers are shown.
        rare: Threshold of repeat factor sampling; see `repeat_factors`.
        batch_size: Pictures a step and process.
        workers: Processes that read and augment.
        seed: Fixes order and samples.
    """

    def __init__(
        self,
        train: Dataset,
        val: Dataset,
        scheme: Scheme,
        *,
        also: Sequence[Source] = (),
        sizes: Sequence[tuple[int, int]],
        how: Augmentation,
        preprocessing: Preprocessing,
        landmarks: bool = False,
        teach: bool = False,
        rare: float,
        batch_size: int,
        workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        learned = with_open_classes(scheme, train.scheme, *(source.dataset.scheme for source in also))
        first = Converted(train, learned)
        self.train: Dataset = first
        if also:
            self.train = Concatenated(first, *(Converted(source.dataset, learned) for source in also))
        self.val = Converted(val, scheme)
        beyond = learned.merges[len(scheme.merges) :]
        self.open_classes = [[learned.id(name) for name in members] for _, members in beyond]
        self._sizes, self._how = sizes, how
        self._preprocessing, self._landmarks, self._teach = preprocessing, landmarks, teach
        scan = bool(rare or how.paste)
        present = labels_present(first) if scan else np.zeros((len(first), 256), bool)
        self._factors, self._portraits = _shared_out(repeat_factors(present, rare), also)
        self._donors = Donors(first, present, learned) if how.paste else None
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
        dataset = _Training(
            self.train,
            self._sizes,
            self._how,
            self._seed,
            self._landmarks,
            self._donors,
            self._portraits,
            self._teach,
        )
        return Queued(
            dataset,
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
