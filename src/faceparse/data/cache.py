"""A cache of decoded samples, in memory or on disk."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.derived import DerivedDataset
from faceparse.files import atomic, open_regular

_DAMAGED = (OSError, ValueError, EOFError, KeyError, BadZipFile)  # errors of reading a missing or cut file


def cache(dataset: Dataset, place: str | Path) -> Dataset:
    """Return a data set that decodes each sample of another data set only once.

    Args:
        dataset: The other data set.
        place: `memory`, which reads all samples now, so that worker processes share them; or a folder, which
            fills as samples are read and also serves later runs. A sample is read again if one of its files
            (picture, label map or masks, landmarks) has a new time or size, or if the scheme has other
            classes.

    Raises:
        DataError: with `memory`, a sample that cannot be read.
    """
    return _InMemory(dataset) if str(place) == "memory" else _OnDisk(dataset, Path(place))


class _InMemory(DerivedDataset):
    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        self._samples = list(dataset)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]


class _OnDisk(DerivedDataset):
    def __init__(self, dataset: Dataset, folder: Path) -> None:
        super().__init__(dataset)
        self._folder = folder

    def _file(self, index: int) -> Path:
        states = [_state(dependency) for dependency in self.dependencies(index)]
        text = repr((states, self.scheme.name, self.scheme.classes))
        key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / key[:2] / f"{key}.npz"

    def __getitem__(self, index: int) -> Sample:
        file = self._file(index)
        # A missing or cut file is written again from the data set.
        with suppress(*_DAMAGED), open_regular(file) as data, np.load(data) as arrays:
            landmarks = arrays["landmarks"] if arrays["landmarks"].size else None
            return Sample(str(self.names[index]), arrays["image"], arrays["labels"], landmarks)
        sample = super().__getitem__(index)
        landmarks = np.empty((0, 2)) if sample.landmarks is None else sample.landmarks
        with atomic(file, overwrite=True, make_folder=True) as temporary, temporary.open("wb") as out:
            np.savez(out, image=sample.image, labels=sample.labels, landmarks=landmarks)
        return sample


def _state(dependency: str | Path) -> tuple[str | int, ...]:
    """Return a file's path, time and size, which change when the file changes; return a setting unchanged."""
    if isinstance(dependency, str):
        return (dependency,)
    path = str(dependency.absolute())
    try:
        stat = dependency.stat()
    except OSError:
        return (path,)
    return path, stat.st_mtime_ns, stat.st_size
