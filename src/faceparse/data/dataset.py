"""What every data set gives: pictures and label maps as numpy arrays, with a scheme."""

from __future__ import annotations

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
        name: Where it comes from, for messages and reports.
        image: RGB uint8, H × W × 3.
        labels: uint8, H × W, in the data set's scheme; 255 is ignore.
        landmarks: Points that come with the picture, float64 N × 2, x and y in its pixels, or None.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    landmarks: NDArray[np.float64] | None = None


class Dataset(Protocol):
    """A list of samples in one scheme; reading a sample is thread- and fork-safe."""

    scheme: Scheme

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample:
        """A sample; IndexError past the end, so that a data set can be iterated."""
        ...

    def __iter__(self) -> Iterator[Sample]: ...

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The label map alone, for scans that need no picture."""
        ...

    @property
    def names(self) -> Sequence[str | Path]:
        """One name per sample, in order."""
        ...


def made_of(dataset: Dataset, index: int) -> tuple[str | Path, ...]:
    """What one sample depends on: its files as paths, and settings as text.

    >>> made_of(FolderDataset("faces", "all", "face2"), 0)  # doctest: +SKIP
    (PosixPath('faces/images/0.jpg'), PosixPath('faces/labels/0.png'))

    A data set says it by a method of this name; of one that does not, the sample's name is all that is known.
    """
    said: Callable[[int], tuple[str | Path, ...]] | None = getattr(dataset, "made_of", None)
    return (Path(dataset.names[index]),) if said is None else said(index)
