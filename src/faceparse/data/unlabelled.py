"""Pictures without labels, for a teacher to label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Sample
from faceparse.data.pairs import PairedFiles
from faceparse.errors import DataError
from faceparse.labels import IGNORE, Scheme
from faceparse.pictures import SUFFIXES


class Unlabelled(PairedFiles):
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
        paths = [p for p in sorted(Path(root).rglob("*")) if p.suffix.lower() in SUFFIXES]
        if not paths:
            raise DataError(f"no picture ({' '.join(SUFFIXES)}) below {root}")
        super().__init__(scheme, [(path, path) for path in paths])

    def labels(self, index: int) -> NDArray[np.uint8]:
        """One ignored pixel: there is nothing to count."""
        return np.full((1, 1), IGNORE, np.uint8)

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return self._pairs[index][0], "unlabelled"

    def __getitem__(self, index: int) -> Sample:
        image = self.image(index)
        return Sample(str(self._pairs[index][0]), image, np.full(image.shape[:2], IGNORE, np.uint8))
