"""What an output form is; those of the package are in `faceparse.writers.forms`, one file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse import tables
from faceparse.errors import DataError, OutputError
from faceparse.labels import Scheme
from faceparse.results import Parsing
from faceparse.writers.selection import select


class Writer(ABC):
    """One output form of a parsed picture: `--save NAME`. Called from several threads at a time.

    A writer is a frozen dataclass; its fields are its options (numbers, yes or no, text, tuples of names, with the rules of
    `faceparse.tables`), and its `repr` tells a rerun whether they changed.

    Attributes:
        name: What `--save` calls it.
        endings: Every ending that a file of this form may have: `_mask.png` where `photo.jpg` gives `photo_mask.png`. A
            form with a file for each class has those of every class of every packaged scheme. `write` returns the
            files that a picture did get.
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        tables.check(self)

    def check(self, scheme: Scheme) -> None:
        """Raise where the options do not go with a scheme, before the first picture; the option `classes` by default.

        Raises:
            LabelError: the scheme has no class or group of a chosen name.
        """
        select(scheme, getattr(self, "classes", ()))

    def endings_in(self, scheme: Scheme) -> tuple[str, ...]:
        """The endings of the files that it may write of pictures in a scheme; all of `endings` by default."""
        return self.endings

    @abstractmethod
    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        """Write the files of one picture, each atomically, and return their paths.

        Args:
            parsing: The picture's parsing.
            stem: Path that the files' names begin with; its folder exists.

        Raises:
            OutputError: a file that cannot be written.
        """

    def finish(self, folder: Path, stems: Iterable[Path]) -> tuple[Path, ...]:
        """Write what sums up a whole run, once, after the last picture; nothing by default.

        Args:
            folder: The run's output folder.
            stems: Those of every picture whose files are there, written now or before, in the inputs' order.
        """
        return ()

    @staticmethod
    def beside(stem: Path, ending: str) -> Path:
        """The path of a file that begins with `stem` and ends with `ending`.

        Raises:
            OutputError: an ending that no file's name can have: a class called `a/b` must not lead elsewhere.
        """
        try:
            if "\0" in ending:
                raise ValueError
            return stem.with_name(stem.name + ending)
        except ValueError:
            raise OutputError(
                f"no file's name can end with {ending!r}: give the class another name in its scheme"
            ) from None


class FileWriter(Writer):
    """An output form with one file for each picture; the file's name ends with the first of `endings`.

    Attributes:
        suffix: Suffix for which `Parsing.save` writes this form, such as `.npz`; empty for none.
    """

    suffix: ClassVar[str] = ""

    @abstractmethod
    def save(self, parsing: Parsing, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            OutputError: a place that cannot be written to.
        """

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        self.save(parsing, path)
        return (path,)

    @staticmethod
    def load(path: Path, image: NDArray[np.uint8] | None = None) -> Parsing:
        """Read what `save` wrote, where this form holds a whole parsing; see `Parsing.load`.

        Raises:
            DataError: a form that holds less, or a file that is missing, damaged or of another kind.
        """
        raise DataError(f"{path} is no parsing that can be loaded: save it as .npz for that")
