"""A few samples of a data set.

>>> from faceparse.data import open_dataset
>>> len(Subset(open_dataset("folder", "faces", "val"), 100))  # doctest: +SKIP
100
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, DerivedDataset, Sample, dependencies


class Subset(DerivedDataset):
    """At most `count` samples of a data set, spread evenly over it and in its order."""

    def __init__(self, dataset: Dataset, count: int) -> None:
        super().__init__(dataset)
        last, count = len(dataset) - 1, min(count, len(dataset))
        self._indices: list[int] = np.linspace(0, last, count).round().astype(int).tolist()

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Sample:
        return self._dataset[self._indices[index]]

    @property
    def names(self) -> Sequence[str | Path]:
        return [self._dataset.names[i] for i in self._indices]

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self._dataset.labels(self._indices[index])

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return dependencies(self._dataset, self._indices[index])
