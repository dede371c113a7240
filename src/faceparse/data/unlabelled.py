"""A data set of pictures without labels, for a teacher network to label."""

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
    """All pictures in a folder and its subfolders, with all labels 255 (ignore).

    >>> Unlabelled("portraits", scheme("celebamask19"))[0].labels.min()  # doctest: +SKIP
    255

    Args:
        root: Folder of the pictures.
        scheme: Scheme of the data set.

    Raises:
        DataError: no such folder, or no picture in it.
    """

    def __init__(self, root: str | Path, scheme: Scheme) -> None:
        paths = [p for p in sorted(Path(root).rglob("*")) if p.suffix.lower() in SUFFIXES]
        if not paths:
            raise DataError(f"no picture ({' '.join(SUFFIXES)}) below {root}")
        super().__init__(scheme, [(path, path) for path in paths])

    def labels(self, index: int) -> NDArray[np.uint8]:
        """Return a label map of one ignored pixel."""
        return np.full((1, 1), IGNORE, np.uint8)

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return self._pairs[index][0], "unlabelled"

    def __getitem__(self, index: int) -> Sample:
        image = self.image(index)
        return Sample(str(self._pairs[index][0]), image, np.full(image.shape[:2], IGNORE, np.uint8))
