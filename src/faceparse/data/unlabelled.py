"""Pictures without labels, for a teacher to label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.reading import read_image
from faceparse.errors import DataError
from faceparse.labels import IGNORE, Scheme
from faceparse.pictures import SUFFIXES


class Unlabelled(Dataset):
    """Every picture below a folder, all its labels 255 (ignore).

    >>> Unlabelled("portraits", scheme("celebamask19"))[0].labels.min()  # doctest: +SKIP
    255

    Args:
        root: Folder; pictures in its subfolders count too.
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

    @property
    def names(self) -> Sequence[Path]:
        return self._paths

    def labels(self, index: int) -> NDArray[np.uint8]:
        """One ignored pixel: there is nothing to count."""
        return np.full((1, 1), IGNORE, np.uint8)

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return self._paths[index], "unlabelled"

    def __getitem__(self, index: int) -> Sample:
        path = self._paths[index]
        image = read_image(path)
        return Sample(str(path), image, np.full(image.shape[:2], IGNORE, np.uint8))
