"""The base classes of output forms; the package's forms are in `faceparse.writers.forms`, one file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse import tables
from faceparse.errors import DataError, OutputError
from faceparse.labels import Scheme
from faceparse.results import Parsing
from faceparse.writers.png import Rows, open_png
from faceparse.writers.selection import select


class Writer(ABC):
    """One output form of a parsed picture: `--save NAME`. Several threads call a writer at the same time.

    A form that is a picture of the photo's size, for which a video has a frame, is a `PictureWriter`. A form of JSON
    values may also have `record(parsing)`, which returns them as a mapping; a video has a line for each frame then.

    A writer is a frozen dataclass. Its fields are its options (numbers, booleans, text, tuples of names, with
    the rules of `faceparse.tables`). A rerun compares `repr(writer)` to see whether the options changed.

    Attributes:
        name: The form's name for `--save`.
        endings: Every ending that a file of this form may have: `_mask.png` means that `photo.jpg` gives
            `photo_mask.png`. A form with a file for each class lists the classes of all packaged schemes;
            `write` returns the files actually written.
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        tables.check(self)

    def check(self, scheme: Scheme) -> None:
        """Check the options against a scheme before the first picture; by default, only the option `classes`.

        Raises:
            LabelError: the scheme has no class or group of a chosen name.
        """
        select(scheme, getattr(self, "classes", ()))

    def endings_in(self, scheme: Scheme) -> tuple[str, ...]:
        """Return the endings of the files that `write` may write for a scheme; by default all of `endings`."""
        return self.endings

    @abstractmethod
    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        """Write the files of one picture, each atomically, and return their paths.

        Args:
            parsing: The picture's parsing.
            stem: Path that the file names begin with; its folder exists.

        Raises:
            OutputError: a file that cannot be written.
        """

    def finish(self, folder: Path, stems: Iterable[Path]) -> tuple[Path, ...]:
        """Write the files that summarise a whole run, once, after the last picture; by default none.

        Args:
            folder: The run's output folder.
            stems: Stems of all pictures with output files, from this run or an earlier one, in the order of
                the inputs.
        """
        return ()

    @staticmethod
    def beside(stem: Path, ending: str) -> Path:
        """Return the path of a file whose name begins with `stem` and ends with `ending`.

        Raises:
            OutputError: an ending that no file name can have: a class named `a/b` must not lead to another
                folder.
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
        suffix: Suffix that makes `Parsing.save` write this form, such as `.npz`; empty for none.
    """

    suffix: ClassVar[str] = ""

    @abstractmethod
    def save(self, parsing: Parsing, path: Path) -> None:
        """Write the file; on an error no file is left.

        Raises:
            OutputError: a path that cannot be written.
        """

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        self.save(parsing, path)
        return (path,)

    @staticmethod
    def load(path: Path, image: NDArray[np.uint8] | None = None) -> Parsing:
        """Read a file that `save` wrote, if this form holds a whole parsing; see `Parsing.load`.

        Raises:
            DataError: a form that holds no whole parsing, or a file that is missing, damaged or of another
                kind.
        """
        raise DataError(f"{path} is no parsing that can be loaded: save it as .npz for that")


class PictureWriter(FileWriter):
    """An output form that is a picture of the photo's size: a PNG file, or a frame of a video."""

    @property
    def channels(self) -> int:
        """1 for gray, 3 for RGB, 4 for RGBA."""
        return 3

    @abstractmethod
    def strips(self, parsing: Parsing) -> Iterator[Rows]:
        """Yield the picture's rows from the top, some at a time: n × W, or n × W × channels, uint8 or uint16."""

    def draw(self, parsing: Parsing) -> Rows:
        """Return the whole picture, H × W, or H × W × channels."""
        strips = list(self.strips(parsing))
        return strips[0] if len(strips) == 1 else np.concatenate(strips)

    def save(self, parsing: Parsing, path: Path) -> None:
        strips = self.strips(parsing)
        first = next(strips)
        bits = 8 * first.itemsize
        with open_png(path, parsing.size, channels=self.channels, bits=bits) as add:
            add(first)
            for strip in strips:
                add(strip)
