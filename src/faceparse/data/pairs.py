"""Samples from files: a picture, its label map and, in some data sets, its landmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Sample
from faceparse.data.reading import read_image, read_labels
from faceparse.errors import DataError
from faceparse.labels import Scheme


class PairedFiles:
    """A `Dataset` over pairs of files; what a data set does otherwise, it overrides.

    >>> data = PairedFiles(scheme("face2"), [(Path("a.jpg"), Path("a.png"))])  # doctest: +SKIP

    Args:
        scheme: Of the label maps.
        pairs: (picture, label map) in order; read when asked for.
    """

    one_size: ClassVar[bool] = True
    """Whether a picture and its label map must have one size; else the data set brings them to one."""

    def __init__(self, scheme: Scheme, pairs: Sequence[tuple[Path, Path]]) -> None:
        self.scheme = scheme
        self._pairs = list(pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[Path]:
        return [image for image, _ in self._pairs]

    def image(self, index: int) -> NDArray[np.uint8]:
        """The picture of one sample, RGB uint8, H × W × 3."""
        return read_image(self._pairs[index][0])

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The label map of one sample, H × W uint8."""
        return read_labels(self._pairs[index][1])

    def landmarks(self, index: int) -> NDArray[np.float64] | None:
        """The landmarks of one sample, N × 2, where the data set has any."""
        return None

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        """The files that one sample is made of; see `faceparse.data.dataset.made_of`."""
        return self._pairs[index]

    def __getitem__(self, index: int) -> Sample:
        image, labels = self.image(index), self.labels(index)
        path = self._pairs[index][0]
        if labels.shape != image.shape[:2]:
            raise DataError(
                f"{path} is {image.shape[1]}×{image.shape[0]} but its label map is "
                f"{labels.shape[1]}×{labels.shape[0]}: resize one of them so that they match"
            )
        return Sample(str(path), image, labels, self.landmarks(index))
