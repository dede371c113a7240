"""The interface of a data set: pictures and label maps as NumPy arrays, in a label scheme."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme


@dataclass(frozen=True, eq=False)
class Sample:
    """One labelled picture.

    Attributes:
        name: Name for messages and reports, usually the picture's path.
        image: The picture, RGB uint8, H × W × 3.
        labels: The label map, uint8, H × W, in the data set's scheme; 255 is ignore.
        landmarks: Landmarks of the data set, float64 N × 2, x and y in pixels of the picture, or None.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    landmarks: NDArray[np.float64] | None = None


class Dataset(Protocol):
    """A list of samples in one scheme; reading a sample is thread- and fork-safe.

    A subclass defines `__len__`, `__getitem__`, `labels` and `names`.
    """

    scheme: Scheme

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """Read a sample; raise IndexError past the end."""

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @abstractmethod
    def labels(self, index: int) -> NDArray[np.uint8]:
        """Read only the label map of a sample, H × W."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str | Path]:
        """Names of the samples, in order."""


def dependencies(dataset: Dataset, index: int) -> tuple[str | Path, ...]:
    """Return what a sample depends on: its files as paths, and settings as text.

    >>> dependencies(FolderDataset("faces", "all", "face2"), 0)  # doctest: +SKIP
    (PosixPath('faces/images/0.jpg'), PosixPath('faces/labels/0.png'))

    A data set states this by a method `dependencies`; without this method, the sample's name counts as its
    only file.
    """
    method: Callable[[int], tuple[str | Path, ...]] | None = getattr(dataset, "dependencies", None)
    return (Path(dataset.names[index]),) if method is None else method(index)
