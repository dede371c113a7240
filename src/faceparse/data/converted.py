"""A data set in another label scheme.

>>> Converted(open_dataset("folder", "celebamask5k", "val", "maskgan19"), "celebamask19").scheme.name  # doctest: +SKIP
'celebamask19'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample, made_of
from faceparse.labels import Scheme, conversion


class Converted:
    """A data set whose label maps are converted when they are asked for.

    Args:
        dataset: What is read.
        scheme: Scheme wanted.

    Raises:
        LabelError: schemes that do not convert; when a label map is asked for, one with labels of another scheme.
    """

    def __init__(self, dataset: Dataset, scheme: str | Scheme) -> None:
        self._dataset = dataset
        self._convert = conversion(dataset.scheme, scheme)
        self.scheme: Scheme = self._convert.target

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[str | Path]:
        return self._dataset.names

    def _converted(self, labels: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        self._dataset.scheme.check(labels, str(self.names[index]))
        return self._convert(labels)

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The label map of one sample."""
        return self._converted(self._dataset.labels(index), index)

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        """What the sample is made of, and in which scheme."""
        return *made_of(self._dataset, index), self.scheme.name

    def __getitem__(self, index: int) -> Sample:
        sample = self._dataset[index]
        return replace(sample, labels=self._converted(sample.labels, index))
