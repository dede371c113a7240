"""Data sets of files: a picture, its label map and, in some data sets, its landmarks for each sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.reading import read_image, read_labels, read_points
from faceparse.errors import DataError
from faceparse.labels import Scheme


class PairedFiles(Dataset):
    """A data set of pairs of files; subclasses override what they change.

    >>> data = PairedFiles(scheme("face2"), [(Path("a.jpg"), Path("a.png"))])  # doctest: +SKIP

    Args:
        scheme: Scheme of the label maps.
        pairs: (picture, label map) files in order, which are read when their sample is read.
        landmark_files: Landmark file of each pair; empty without landmarks.
    """

    one_size: ClassVar[bool] = True
    """Whether a picture and its label map must have the same aspect; else the data set resizes them to one size."""

    landmark_count: ClassVar[int] = 0
    """Number of landmarks in each landmark file."""

    def __init__(
        self, scheme: Scheme, pairs: Sequence[tuple[Path, Path]], landmark_files: Sequence[Path] = ()
    ) -> None:
        self.scheme = scheme
        self._pairs, self._landmark_files = list(pairs), list(landmark_files)

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def names(self) -> Sequence[Path]:
        return [image for image, _ in self._pairs]

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read the picture of one sample, RGB uint8, H × W × 3."""
        return read_image(self._pairs[index][0])

    def labels(self, index: int) -> NDArray[np.uint8]:
        """Read the label map of one sample, H × W uint8."""
        return read_labels(self._pairs[index][1])

    def landmarks(self, index: int) -> NDArray[np.float64] | None:
        """Read the landmarks of one sample, N × 2; None if the data set has none."""
        return read_points(self._landmark_files[index], self.landmark_count) if self._landmark_files else None

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return *self._pairs[index], *self._landmark_files[index : index + 1]

    def __getitem__(self, index: int) -> Sample:
        name = str(self._pairs[index][0])
        return fitted(name, self.image(index), self.labels(index), self.landmarks(index))


def fitted(
    name: str,
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    points: NDArray[np.float64] | None = None,
) -> Sample:
    """Return a sample whose picture is resized to the size of its label map.

    Raises:
        DataError: picture and label map differ in aspect.
    """
    size = labels.shape[::-1]
    if different := aspects_differ(image, labels):
        raise DataError(f"{name} {different}: resize one of them so that they match")
    if image.shape[1::-1] != size:
        points = None if points is None else points * size / image.shape[1::-1]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Sample(name, image, labels, points)


def aspects_differ(image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> str:
    """Return a text on the sizes of picture and label map if their aspects differ, else an empty text."""
    (height, width), (rows, columns) = image.shape[:2], labels.shape
    if abs(height * columns - width * rows) < max(width, height):  # equal within a pixel of the label map
        return ""
    return f"is {width}×{height} but its label map is {columns}×{rows}"


def require_beside(picture: Path, *files: Path) -> None:
    """Check that the other files of a picture exist.

    Raises:
        DataError: a file is missing.
    """
    for file in files:
        if not file.is_file():
            raise DataError(f"{picture} has no {file.parent.name}/{file.name}")
