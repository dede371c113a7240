"""Data sets in files of many samples each, as `faceparse data pack` writes them; a subclass reads one form of file.

Files are called `SPLIT-00000.ENDING`, or `data-00000.ENDING` without splits. A sample's name is its path in the data
set, with `/` between folders: `sub/0.jpg`. A sample is read by its place in its file, which is found when the data set
is opened; nothing stays open, so that a data set travels to threads and other processes.
"""

from __future__ import annotations

import io
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Dataset, Sample
from faceparse.data.pairs import fitted
from faceparse.data.reading import read_image, read_labels
from faceparse.data.record import declared_scheme
from faceparse.data.splits import is_share, take_share
from faceparse.errors import DataError, FaceparseError
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme
from faceparse.labels.archive import read_header, write_header
from faceparse.labels.registry import scheme_inside
from faceparse.tables import convert

FORMAT = 1
"""Version of the header, which a reader compares."""

NO_SPLIT = "data"
"""Beginning of the names of files whose samples are in no split."""

NUMBER, TEXT, TRUTH = "number", "text", "truth"
"""Types of columns."""

_KIND = "data set"
_COLUMNS = dict[str, Literal["number", "text", "truth"]]


class Member(io.BytesIO):
    """A file inside another file; messages call it by its name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name

    def __str__(self) -> str:
        return str(self.name)


class Index(NamedTuple):
    """The contents of one file.

    Attributes:
        header: The file's header, as `make_header` makes it; empty if there is none.
        names: The samples' names.
        places: Place of each sample in the file, as the subclass reads it, N × any, int64.
    """

    header: bytes
    names: list[str]
    places: NDArray[np.int64]


def make_header(scheme: Scheme, columns: Mapping[str, str]) -> bytes:
    """Return what each file says of itself, as JSON.

    Args:
        scheme: Scheme of the label maps.
        columns: Name → type of the values that each sample has.
    """
    return write_header(_KIND, FORMAT, scheme, columns=dict(columns))


def _read_header(content: bytes, path: Path) -> dict[str, Any]:
    """Return the content of a file's header; empty for an empty header."""
    if not content:
        return {}
    header = read_header(content, _KIND, FORMAT, path, "faceparse data pack")
    return header | {
        "columns": convert(_COLUMNS, header.get("columns"), "columns", where=str(path), error=DataError)
    }


class Packed(Dataset):
    """One split of a packed data set.

    Args:
        root: Folder of the files, or one file.
        split: A split, `all`, or a share of all samples such as `0-80%` (see `faceparse.data.splits`).
        scheme: Scheme of the label maps; None if the files state it.

    Attributes:
        columns: Name → type of the values of each sample, such as `{"trust": "number"}`.

    Raises:
        DataError: no file, a damaged file, files of different schemes, no such split, or no sample in it.
        LabelError: an unknown scheme.
    """

    ending: ClassVar[str]
    """Ending of the files' names."""

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        files = _files(Path(root), self.ending)
        if not files:
            raise DataError(
                f"{root} holds no file *{self.ending}{'' if Path(root).exists() else ': it does not exist'}"
            )
        splits = _splits(files)
        chosen = [path for path in files if split in (_split(path), "all") or is_share(split)]
        if split == NO_SPLIT or not chosen:
            take_share([], split, root, splits)  # raises
        self._files = chosen
        indices = [self._scan(path) for path in chosen]
        headers = [_read_header(index.header, path) for index, path in zip(indices, chosen, strict=True)]
        for header, path in zip(headers, chosen, strict=True):
            if header != headers[0]:
                raise DataError(
                    f"{path} and {chosen[0]} differ in scheme or columns: put them into two folders"
                )
        self.scheme = _scheme(headers[0], scheme, chosen[0])
        self.columns: Mapping[str, str] = headers[0].get("columns", {})
        self._names = [name for index in indices for name in index.names]
        self._file = np.repeat(np.arange(len(chosen)), [len(index.names) for index in indices])
        self._places = np.concatenate([index.places for index in indices])
        if is_share(split):
            share = set(take_share([name.rpartition(".")[0] for name in self._names], split, root))
            members = [i for i, name in enumerate(self._names) if name.rpartition(".")[0] in share]
            self._names = [self._names[i] for i in members]
            self._file, self._places = self._file[members], self._places[members]
        if not self._names:
            raise DataError(f"{root} holds no sample{'' if split == 'all' else f' of split {split}'}")

    @staticmethod
    @abstractmethod
    def _scan(path: Path) -> Index:
        """Read a file's header and index; every fault is a `DataError` that names the file."""

    @abstractmethod
    def _read(self, path: Path, place: NDArray[np.int64], parts: Sequence[str]) -> list[bytes]:
        """Read parts of a sample: `image`, `labels` (both encoded), `columns` (JSON)."""

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return _splits(_files(Path(root), cls.ending))

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> Sequence[str]:
        return [self._name(i) for i in range(len(self))]

    def _name(self, index: int) -> str:
        return f"{self._files[self._file[index]]}/{self._names[index]}"

    def relative_name(self, index: int) -> str:
        """Return the name of a sample in the data set, such as `sub/0.jpg`."""
        return self._names[index]

    def split(self, index: int) -> str:
        """Return the split that a sample is in; `data` for none."""
        return _split(self._files[self._file[index]])

    def parts(self, index: int, *names: str) -> list[bytes]:
        """Read parts of a sample as they are stored: `image`, `labels` (both encoded), `columns` (JSON).

        Raises:
            DataError: the file has changed or cannot be read.
        """
        path = self._files[self._file[index]]
        try:
            return self._read(path, self._places[index], names)
        except FaceparseError:
            raise
        except Exception as error:  # also from the decoders of pyarrow
            raise DataError(f"cannot read {self._name(index)}: {error}") from None

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read the picture of one sample, RGB uint8, H × W × 3."""
        return read_image(Member(self.parts(index, "image")[0], self._name(index)))

    def labels(self, index: int) -> NDArray[np.uint8]:
        """Read the label map of one sample, H × W uint8."""
        return read_labels(Member(self.parts(index, "labels")[0], f"label map of {self._name(index)}"))

    def landmarks(self, index: int) -> None:
        """Return None: these data sets have no landmarks."""

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return self._files[self._file[index]], self._names[index]

    def __getitem__(self, index: int) -> Sample:
        name = self._name(index)
        image, labels = self.parts(index, "image", "labels")
        return fitted(
            name, read_image(Member(image, name)), read_labels(Member(labels, f"label map of {name}"))
        )


def _files(root: Path, ending: str) -> list[Path]:
    if root.is_dir():
        return sorted(p for p in root.iterdir() if p.name.endswith(ending) and not p.name.startswith("."))
    return [root] if root.is_file() and root.name.endswith(ending) else []


def _split(path: Path) -> str:
    """Return the split of a file's samples.

    >>> _split(Path("train-00001.tar")), _split(Path("faces.tar"))
    ('train', 'data')
    """
    name = re.fullmatch(r"(.+)-\d+", path.stem)
    return name[1] if name else NO_SPLIT


def _splits(files: Iterable[Path]) -> tuple[str, ...]:
    names = {_split(path) for path in files} - {NO_SPLIT}
    usual = [name for name in ("train", "val", "test") if name in names]
    return (*usual, *sorted(names - set(usual)))


def _scheme(header: Mapping[str, Any], requested: str | Path | Scheme | None, path: Path) -> Scheme:
    if "scheme" in header:
        try:
            return declared_scheme(scheme_inside(header["scheme"]), requested, str(path))
        except FaceparseError as error:
            raise DataError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    if requested is None:
        raise DataError(f"{path} does not say which label scheme it has: name it with --data.scheme")
    return find_scheme(requested)
