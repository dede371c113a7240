"""Decoded samples kept for the next epoch, in memory or on disk."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.derived import DerivedDataset
from faceparse.files import atomic


def cache(dataset: Dataset, place: str | Path) -> Dataset:
    """A data set that decodes each sample of another one once.

    Args:
        dataset: The other data set.
        place: `memory`, which reads all of it now (worker processes then share it), or a folder, which fills as
            samples are read and serves later runs too. A sample is read anew when one of its files
            (picture, label map or masks, landmarks) has another time or size, or the scheme other classes.

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
        return self._folder / key[:2] / f"{key}.npy"

    def __getitem__(self, index: int) -> Sample:
        file = self._file(index)
        landmark_file = file.with_suffix(".landmarks.npy")
        if file.is_file() and landmark_file.is_file():
            # A file that was cut short is made anew: nothing is in it that the data set has not.
            with suppress(OSError, ValueError, EOFError):
                return _read(str(self.names[index]), file, landmark_file)
        sample = super().__getitem__(index)
        landmarks = np.empty((0, 2)) if sample.landmarks is None else sample.landmarks
        for path, array in ((file, np.dstack([sample.image, sample.labels])), (landmark_file, landmarks)):
            with atomic(path, overwrite=True, make_folder=True) as temporary, temporary.open("wb") as out:
                np.save(out, array)
        return sample


def _read(name: str, file: Path, landmark_file: Path) -> Sample:
    packed = np.load(file, mmap_mode="r")  # H × W × 4: the picture's channels, then the labels
    image, labels = np.ascontiguousarray(packed[..., :3]), np.ascontiguousarray(packed[..., 3])
    landmarks = np.load(landmark_file)
    return Sample(name, image, labels, landmarks if landmarks.size else None)


def _state(dependency: str | Path) -> tuple[str | int, ...]:
    """What shows that a file was changed; a setting is itself."""
    if isinstance(dependency, str):
        return (dependency,)
    path = str(dependency.absolute())
    try:
        stat = dependency.stat()
    except OSError:
        return (path,)
    return path, stat.st_mtime_ns, stat.st_size
