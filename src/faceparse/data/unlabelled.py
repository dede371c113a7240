"""Pictures without labels, for a teacher to label, and data sets one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample, made_of
from faceparse.data.reading import read_image
from faceparse.errors import DataError
from faceparse.labels import IGNORE, Scheme
from faceparse.pictures import SUFFIXES


class Unlabelled:
    """Every picture below a folder, all its labels 255 (ignore).

    >>> Unlabelled("portraits", scheme("celebamask19"))[0].labels.min()  # doctest: +SKIP
    255

    Args:
        root: Folder; subfolders are looked into.
        scheme: Scheme that the labels would be in.

    Raises:
        DataError: no such folder, or no picture in it.
    """

    def __init__(self, root: str | Path, scheme: Scheme) -> None:
        self.scheme = scheme
        self._paths = [p for p in sorted(Path(root).rglob("*")) if p.suffix.lower() in SUFFIXES]
        if not self._paths:
            raise DataError(f"no picture ({' '.join(SUFFIXES)}) below {root}")

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[Path]:
        return self._paths

    def labels(self, index: int) -> NDArray[np.uint8]:
        """One ignored pixel: there is nothing to count."""
        return np.full((1, 1), IGNORE, np.uint8)

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        """The picture, and that it has no labels."""
        return self._paths[index], "unlabelled"

    def __getitem__(self, index: int) -> Sample:
        path = self._paths[index]
        image = read_image(path)
        return Sample(str(path), image, np.full(image.shape[:2], IGNORE, np.uint8))


class Joined:
    """Data sets of one scheme, one after the other.

    Raises:
        DataError: they differ in scheme.
    """

    def __init__(self, *parts: Dataset) -> None:
        self.scheme = parts[0].scheme
        if any(p.scheme != self.scheme for p in parts):
            raise DataError(f"data sets of one scheme join; got {', '.join(p.scheme.name for p in parts)}")
        self._places = [(part, i) for part in parts for i in range(len(part))]
        self._names = [name for part in parts for name in part.names]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[str | Path]:
        return self._names

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The label map of one sample."""
        part, place = self._places[index]
        return part.labels(place)

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        """What its part says of one sample."""
        part, place = self._places[index]
        return made_of(part, place)

    def __getitem__(self, index: int) -> Sample:
        part, place = self._places[index]
        return part[place]
