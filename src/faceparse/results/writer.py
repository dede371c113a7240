"""What an output form is; those in the package are in the room `faceparse.writers`, one file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from faceparse.errors import OutputError
from faceparse.labels import Scheme

if TYPE_CHECKING:
    from faceparse.results.parsing import Parsing


class Writer(ABC):
    """One output form of a parsed picture: `--save NAME`. Called from several threads at a time.

    A writer is a frozen dataclass; its fields are its options, and its `repr` tells a rerun whether they changed.

    Attributes:
        name: What `--save` calls it.
        endings: All that may follow the picture's stem in the names of its files, such as `_mask.png`; of a
            form with one file per class, the endings of every class of every scheme in the package. A
            picture need not get them all: what it got is what `write` returns.
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]

    def check(self, scheme: Scheme) -> None:  # noqa: B027
        """Raise where the options do not go with a scheme, before the first picture; nothing by default.

        Raises:
            LabelError: the scheme has no class or group of a chosen name.
        """

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
