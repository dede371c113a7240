"""Pictures cut out about the face by the landmarks that come with them.

>>> from faceparse.data import open_dataset
>>> test = Cropped(open_dataset("helen", "helen", "test"))  # doctest: +SKIP
>>> test[0].landmarks.shape  # doctest: +SKIP
(68, 2)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import DerivedDataset, Sample
from faceparse.data.landmarks import helen_box
from faceparse.errors import DataError


class Cropped(DerivedDataset):
    """A data set whose samples are cropped by `helen_box`, as SegFace does with Helen; landmarks move along.

    Args:
        dataset: Its samples carry landmarks.

    Raises:
        DataError: from reading a sample that has no landmarks, or whose landmarks lie outside its picture.
    """

    def labels(self, index: int) -> NDArray[np.uint8]:
        return self[index].labels

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return *super().dependencies(index), "cropped"

    def __getitem__(self, index: int) -> Sample:
        sample = self._dataset[index]
        if sample.landmarks is None:
            raise DataError(f"{sample.name} has no landmarks to crop by: leave out --data.crop")
        try:
            box = helen_box(sample.landmarks, (sample.image.shape[1], sample.image.shape[0]))
        except DataError as error:
            raise DataError(f"{sample.name}: {error}") from None
        crop = np.s_[box.top : box.bottom, box.left : box.right]
        landmarks = sample.landmarks - np.array([box.left, box.top])
        return Sample(sample.name, sample.image[crop], sample.labels[crop], landmarks)
