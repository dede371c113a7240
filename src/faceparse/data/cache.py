"""Decoded samples kept for the next epoch, in memory or on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample, made_of
from faceparse.files import atomic
from faceparse.labels import Scheme


def cached(dataset: Dataset, where: str | Path) -> Dataset:
    """A data set whose samples are decoded once.

    Args:
        dataset: What is kept.
        where: `memory`, which reads all of it now (worker processes then share it), or a folder, which fills as
            samples are asked for and serves later runs too. A sample is read anew when one of its files
            (picture, label map or masks, landmarks) has another time or size, or the scheme other classes.

    Raises:
        DataError: with `memory`, a sample that cannot be read.
    """
    return _InMemory(dataset) if str(where) == "memory" else _OnDisk(dataset, Path(where))


class _Kept:
    """What both kinds share."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def scheme(self) -> Scheme:
        return self._dataset.scheme

    @scheme.setter
    def scheme(self, _: Scheme) -> None:
        raise AttributeError("a cached data set keeps its scheme")

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Sample:
        raise NotImplementedError

    @property
    def names(self) -> Sequence[str | Path]:
        return self._dataset.names

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self._dataset.labels(index)


class _InMemory(_Kept):
    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        self._samples = list(dataset)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]


class _OnDisk(_Kept):
    def __init__(self, dataset: Dataset, folder: Path) -> None:
        super().__init__(dataset)
        self._folder = folder

    def _file(self, index: int) -> Path:
        parts = [_state(part) for part in made_of(self._dataset, index)]
        said = repr((parts, self.scheme.name, self.scheme.classes))
        key = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / key[:2] / f"{key}.npy"

    def __getitem__(self, index: int) -> Sample:
        file = self._file(index)
        beside = file.with_suffix(".landmarks.npy")
        name = str(self._dataset.names[index])
        if file.is_file() and beside.is_file():
            # A file that was cut short is made anew: nothing is in it that the data set has not.
            with suppress(OSError, ValueError, EOFError):
                return _read(name, file, beside)
        sample = self._dataset[index]
        landmarks = np.empty((0, 2)) if sample.landmarks is None else sample.landmarks
        for path, array in ((file, np.dstack([sample.image, sample.labels])), (beside, landmarks)):
            with atomic(path, overwrite=True, make_folder=True) as temporary, temporary.open("wb") as out:
                np.save(out, array)
        return sample


def _read(name: str, file: Path, beside: Path) -> Sample:
    packed = np.load(file, mmap_mode="r")  # H × W × 4: the picture's channels, then the labels
    image, labels = np.ascontiguousarray(packed[..., :3]), np.ascontiguousarray(packed[..., 3])
    landmarks = np.load(beside)
    return Sample(name, image, labels, landmarks if landmarks.size else None)


def _state(part: str | Path) -> tuple[str | int, ...]:
    """What tells whether a file was changed; a setting is itself."""
    if isinstance(part, str):
        return (part,)
    try:
        found = part.stat()
    except OSError:
        return (str(part.absolute()),)
    return str(part.absolute()), found.st_mtime_ns, found.st_size
