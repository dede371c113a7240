"""Pictures cut out about the face by the landmarks that come with them.

>>> from faceparse.data import open_dataset
>>> test = Cropped(open_dataset("helen", "helen", "test"))  # doctest: +SKIP
>>> test[0].landmarks.shape  # doctest: +SKIP
(68, 2)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample, made_of
from faceparse.data.landmarks import helen_box
from faceparse.errors import DataError
from faceparse.labels import Scheme


class Cropped:
    """A data set whose samples are cut out by `helen_box`, as SegFace does with Helen; landmarks move along.

    Args:
        dataset: Its samples carry landmarks.

    Raises:
        DataError: when a sample is asked for that has no landmarks, or whose landmarks lie outside its picture.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.scheme: Scheme = dataset.scheme
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[str | Path]:
        return self._dataset.names

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The label map of one sample."""
        return self[index].labels

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        """What the whole picture is made of, and that it is cropped."""
        return *made_of(self._dataset, index), "cropped"

    def __getitem__(self, index: int) -> Sample:
        whole = self._dataset[index]
        if whole.landmarks is None:
            raise DataError(f"{whole.name} has no landmarks to crop by: do without --data.crop")
        try:
            box = helen_box(whole.landmarks, (whole.image.shape[1], whole.image.shape[0]))
        except DataError as error:
            raise DataError(f"{whole.name}: {error}") from None
        part = np.s_[box.top : box.bottom, box.left : box.right]
        moved = whole.landmarks - np.array([box.left, box.top])
        return Sample(whole.name, whole.image[part], whole.labels[part], moved)
