"""The data sets by kind, as `--data.kind` takes them.

A new data set is one file in this folder with a class that `register` decorates; a package outside
names its own module under the entry point group `faceparse.datasets`.

>>> from faceparse.data import open_dataset
>>> open_dataset("lapa", "LaPa", "test")[0].landmarks.shape  # doctest: +SKIP
(106, 2)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset
from faceparse.errors import ConfigError
from faceparse.labels import Scheme


class Kind(Dataset, Protocol):
    """A data set class: opened by its root, a split and, where it does not know it, its scheme."""

    kind: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None: ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """The picture alone."""
        ...

    def landmarks(self, index: int) -> NDArray[np.float64] | None:
        """The landmarks alone, or None where the data set has none."""
        ...

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        """The splits that a root has; empty where it has no more than `all`."""
        ...


_KINDS: dict[str, type[Kind]] = {}
Class = TypeVar("Class", bound=type[Kind])


def register(kind: Class) -> Class:
    """Add a data set class to the registry; a kind is taken once."""
    if kind.kind in _KINDS:
        raise ValueError(f"data set {kind.kind!r} is registered twice")
    _KINDS[kind.kind] = kind
    return kind


@cache
def _import_all() -> None:
    package = import_module("faceparse.data")
    for module in iter_modules(package.__path__, "faceparse.data."):
        import_module(module.name)
    for point in entry_points(group="faceparse.datasets"):
        point.load()


def kinds() -> Mapping[str, type[Kind]]:
    """All data set classes by kind."""
    _import_all()
    return dict(sorted(_KINDS.items()))


def find_kind(kind: str) -> type[Kind]:
    """The data set class of that kind.

    Raises:
        ConfigError: no such kind.
    """
    try:
        return kinds()[kind]
    except KeyError:
        raise ConfigError(f"no kind of data set {kind!r}; there are {', '.join(kinds())}") from None


def open_dataset(kind: str, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> Kind:
    """One split of a data set.

    Args:
        kind: `folder`, `celebamask-hq`, `lapa`, `helen`, `facesynthetics`, …
        root: Its folder.
        split: A split it has, `all`, or a share such as `0-80%` (see `faceparse.data.splits`).
        scheme: Scheme of its label maps; None for the one that the data set itself says or is known to have.

    Raises:
        ConfigError: no such kind.
        DataError: the folder is not as the kind's layout says, or has no such split.
        LabelError: no such scheme.
    """
    return find_kind(kind)(root, split, scheme)
