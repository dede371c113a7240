"""The registry of data set classes by kind, the value of `--data.kind`.

A new data set is one file in this folder with a class that `register` decorates. Another package adds a data
set by an entry point of the group `faceparse.datasets` that names a module with such a class.

>>> from faceparse.data import open_dataset
>>> open_dataset("lapa", "LaPa", "test")[0].landmarks.shape  # doctest: +SKIP
(106, 2)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset
from faceparse.errors import ConfigError
from faceparse.labels import Scheme
from faceparse.registry import Registry


class Kind(Dataset, Protocol):
    """A data set that is opened by its root folder, a split and, if the data set does not state it, a scheme."""

    kind: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None: ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read only the picture of a sample, RGB uint8, H × W × 3."""

    def landmarks(self, index: int) -> NDArray[np.float64] | None:
        """Read only the landmarks of a sample, N × 2; None if the data set has none."""

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        """Return the names of a root folder's splits; empty if there is only `all`."""


DATASETS = Registry[type[Kind]]("kind of data set", "data", "faceparse.datasets", ConfigError, key="kind")

register = DATASETS.register


def kinds() -> Mapping[str, type[Kind]]:
    """Return all data set classes by kind."""
    return DATASETS.all()


def open_dataset(kind: str, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> Kind:
    """Open one split of a data set.

    Args:
        kind: Kind of data set: `folder`, `celebamask-hq`, `lapa`, `helen`, `facesynthetics`, …
        root: Folder of the data set.
        split: A split of the data set, `all`, or a share such as `0-80%` (see `faceparse.data.splits`).
        scheme: Scheme of the label maps; None for the scheme that the data set or its kind states.

    Raises:
        ConfigError: no such kind.
        DataError: the folder does not have the kind's layout, or has no such split.
        LabelError: no such scheme.
    """
    return DATASETS.find(kind)(root, split, scheme)
