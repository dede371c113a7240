"""Data sets made from other data sets: converted, cropped, reduced to a few samples, or concatenated.

>>> Converted(open_dataset("folder", "celebamask5k", "val", "maskgan19"), "celebamask19").scheme.name  # doctest: +SKIP
'celebamask19'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample, dependencies
from faceparse.data.landmarks import helen_box
from faceparse.errors import DataError
from faceparse.labels import Scheme, conversion


class DerivedDataset(Dataset):
    """Base class: the samples of one or more data sets in order; a subclass overrides what it changes.

    Args:
        datasets: One or more data sets of one scheme.

    Raises:
        DataError: the data sets differ in scheme.
    """

    def __init__(self, *datasets: Dataset) -> None:
        self.scheme = datasets[0].scheme
        if any(dataset.scheme != self.scheme for dataset in datasets):
            names = ", ".join(dataset.scheme.name for dataset in datasets)
            raise DataError(f"data sets to concatenate have one scheme; got {names}")
        self._places = [(dataset, index) for dataset in datasets for index in range(len(dataset))]
        self._names = [name for dataset in datasets for name in dataset.names]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Sample:
        dataset, place = self._places[index]
        return dataset[place]

    def labels(self, index: int) -> NDArray[np.uint8]:
        dataset, place = self._places[index]
        return dataset.labels(place)

    @property
    def names(self) -> Sequence[str | Path]:
        return self._names

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        dataset, place = self._places[index]
        return dependencies(dataset, place)


class Concatenated(DerivedDataset):
    """Several data sets of one scheme in a row."""


class Subset(DerivedDataset):
    """At most `count` samples of a data set, spread evenly, in the data set's order.

    >>> len(Subset(open_dataset("folder", "faces", "val"), 100))  # doctest: +SKIP
    100
    """

    def __init__(self, dataset: Dataset, count: int) -> None:
        super().__init__(dataset)
        indices = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)
        self._places = [self._places[i] for i in indices]
        self._names = [self._names[i] for i in indices]


class Converted(DerivedDataset):
    """A data set whose label maps are converted when they are read.

    Args:
        dataset: The other data set.
        scheme: Scheme to convert to.

    Raises:
        LabelError: the schemes do not convert; or, on reading a sample, a label is outside its scheme.
    """

    def __init__(self, dataset: Dataset, scheme: str | Scheme) -> None:
        super().__init__(dataset)
        self._convert = conversion(dataset.scheme, scheme)
        self.scheme = self._convert.target

    def _converted(self, labels: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        self._convert.source.check(labels, str(self.names[index]))
        return self._convert(labels)

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self._converted(super().labels(index), index)

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return *super().dependencies(index), self.scheme.name

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        return replace(sample, labels=self._converted(sample.labels, index))


class Cropped(DerivedDataset):
    """A data set whose samples are cropped to `helen_box`, as SegFace crops Helen; landmarks are moved too.

    >>> Cropped(open_dataset("helen", "helen", "test"))[0].landmarks.shape  # doctest: +SKIP
    (68, 2)

    Args:
        dataset: A data set whose samples have landmarks.

    Raises:
        DataError: on reading a sample: it has no landmarks, or they lie outside the picture.
    """

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self[index].labels

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return *super().dependencies(index), "cropped"

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        if sample.landmarks is None:
            raise DataError(f"{sample.name} has no landmarks to crop by: leave out --data.crop")
        try:
            left, top, right, bottom = helen_box(sample.landmarks, sample.image.shape[1::-1])
        except DataError as error:
            raise DataError(f"{sample.name}: {error}") from None
        crop = np.s_[top:bottom, left:right]
        return Sample(sample.name, sample.image[crop], sample.labels[crop], sample.landmarks - (left, top))
