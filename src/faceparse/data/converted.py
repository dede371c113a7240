"""A data set in another label scheme.

>>> Converted(open_dataset("folder", "celebamask5k", "val", "maskgan19"), "celebamask19").scheme.name  # doctest: +SKIP
'celebamask19'
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, DerivedDataset, Sample
from faceparse.labels import Scheme, conversion


class Converted(DerivedDataset):
    """A data set whose label maps are converted when they are read.

    Args:
        dataset: The other data set.
        scheme: Scheme to convert to.

    Raises:
        LabelError: schemes that do not convert; from reading a label map, one with labels of another scheme.
    """

    def __init__(self, dataset: Dataset, scheme: str | Scheme) -> None:
        super().__init__(dataset)
        self._convert = conversion(dataset.scheme, scheme)
        self.scheme = self._convert.target

    def _converted(self, labels: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        self._dataset.scheme.check(labels, str(self.names[index]))
        return self._convert(labels)

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self._converted(self._dataset.labels(index), index)

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return *super().dependencies(index), self.scheme.name

    def __getitem__(self, index: int) -> Sample:
        sample = self._dataset[index]
        return replace(sample, labels=self._converted(sample.labels, index))
