"""The data sets by kind, as `--data.kind` takes them.

A new data set is one file in this folder with a class that `register` decorates; a package outside
names its own module under the entry point group `faceparse.datasets`.

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
    """A data set class: opened by its root, a split and, if it does not know its scheme, a scheme."""

    kind: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None: ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """The picture alone."""

    def landmarks(self, index: int) -> NDArray[np.float64] | None:
        """The landmarks alone, or None where the data set has none."""

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        """The splits that a root has; empty if there is only `all`."""


DATASETS = Registry[type[Kind]]("kind of data set", "data", "faceparse.datasets", ConfigError, key="kind")

register = DATASETS.register


def kinds() -> Mapping[str, type[Kind]]:
    """All data set classes by kind."""
    return DATASETS.all()


def open_dataset(kind: str, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> Kind:
    """One split of a data set.

    Args:
        kind: `folder`, `celebamask-hq`, `lapa`, `helen`, `facesynthetics`, …
        root: Its folder.
        split: A split it has, `all`, or a share such as `0-80%` (see `faceparse.data.splits`).
        scheme: Scheme of its label maps; None for the one that the data set names or its kind has.

    Raises:
        ConfigError: no such kind.
        DataError: the folder does not have the kind's layout, or has no such split.
        LabelError: no such scheme.
    """
    return DATASETS.find(kind)(root, split, scheme)
