"""The pictures of a job: in folders, lists, Parquet files and WebDataset's tars.

>>> source = find_source("photos", recursive=True)  # doctest: +SKIP
>>> len(source.pictures), source.packs[0].name  # doctest: +SKIP
(1204, 'photos/shard-000.tar')
"""

from __future__ import annotations

import os
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faceparse.errors import ConfigError, display_name
from faceparse.folder.find import LONGEST_LIST, read_list
from faceparse.pictures.reader import SUFFIXES
from faceparse.scale.parse import SOURCES, picture_of
from faceparse.scale.place import Place, plain
from faceparse.scale.table import import_pyarrow

TARS = (".tar", ".tar.gz", ".tgz")
PARQUET = (".parquet", ".pq")
LISTS = (".txt", ".lst", ".list")

ROWS = 64
"""Pictures read from a Parquet file or tar at a time."""


class Pack(NamedTuple):
    """Many pictures in one file: a tar, or a row group of a Parquet file.

    Attributes:
        name: The file's path or address.
        key: Beginning of its pictures' keys: its path in the source.
        group: Number of the row group; −1 for a tar.
        first: Number of the group's first row in the file.
    """

    name: str
    key: str
    group: int = -1
    first: int = 0


class Picture(NamedTuple):
    """A picture read from a file of many: bytes, or a path; or the reason why there is neither."""

    key: str
    bytes: bytes | None = None
    path: str | None = None
    error: str | None = None


@dataclass
class Source:
    """All pictures of a job.

    Attributes:
        pictures: Key → path or address of each file of one picture.
        packs: The files of many pictures, or their parts.
        total: Number of pictures; None if tars, whose pictures nobody has counted, are among them.
    """

    pictures: dict[str, str] = field(default_factory=dict)
    packs: list[Pack] = field(default_factory=list)
    total: int | None = 0

    def add_folder(self, top: Place, key: str, recursive: bool, visited: set[str]) -> None:
        """Add what is in a folder, except in the folders `visited`, which end loops of links."""
        real = os.path.realpath(top.path) if top.local else top.path
        if real in visited:
            return
        visited.add(real)
        try:
            entries = top.entries()
        except OSError as error:
            raise ConfigError(f"cannot look into folder {display_name(top.name)}: {plain(error)}") from None
        for name, is_folder in entries:
            inner = f"{key}/{name}" if key else name
            if is_folder and recursive:
                self.add_folder(top / name, inner, recursive, visited)
            elif not is_folder:
                self.add(top / name, inner)

    def add(self, place: Place, key: str) -> None:
        """Add a file, if its name is that of a picture, Parquet file or tar."""
        name = place.name.partition("?")[0].lower() if "://" in place.name else place.name.lower()
        if name.endswith(TARS):
            self.packs.append(Pack(place.name, key))
            self.total = None
        elif name.endswith(PARQUET):
            self._add_parquet(place, key)
        elif name.endswith(SUFFIXES):
            self.pictures[_utf8(key)] = _utf8(place.name)
            self.total = None if self.total is None else self.total + 1

    def _add_parquet(self, place: Place, key: str) -> None:
        pa = import_pyarrow()
        try:
            with place.open() as file:
                parquet = pa.parquet.ParquetFile(file)
                columns, metadata = parquet.schema_arrow.names, parquet.metadata
                rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        except (pa.ArrowException, OSError) as error:
            raise ConfigError(f"cannot read {display_name(place.name)} as Parquet: {plain(error)}") from None
        if not {*columns} & {*SOURCES}:
            expected = f"{', '.join(SOURCES[:-1])} or {SOURCES[-1]}"
            raise ConfigError(f"{place.name} has no column {expected}, only {', '.join(columns) or 'none'}")
        first = 0
        for group, count in enumerate(rows):
            if count:
                self.packs.append(Pack(place.name, key, group, first))
            first += count
        self.total = None if self.total is None else self.total + first


def find_source(name: str, *, recursive: bool = False, leave_out: Place | None = None) -> Source:
    """Find the pictures of a folder, list, Parquet file or tar; `leave_out` is a folder to skip, the job's output.

    A picture's key is its path in the folder or list; in a tar, the tar's path and the file's, `a.tar/b.jpg`; in a
    Parquet file, the column `key`, else the column `path`, else the file's path and the row's number.

    Raises:
        ConfigError: nothing of that name, a file of another kind, or no picture in it.
        MissingExtraError: pyarrow is not installed.
    """
    # Absolute, because other processes may have another working folder.
    place, source = Place.of(name if "://" in name else os.path.abspath(name)), Source()
    kind, shown = place.kind, display_name(name)
    if kind == "none":
        raise ConfigError(f"no such file or folder: {shown}")
    if kind == "folder":
        visited = (
            {os.path.realpath(leave_out.path) if leave_out.local else leave_out.path} if leave_out else set()
        )
        source.add_folder(place, "", recursive, visited)
    elif place.path.lower().endswith(LISTS):
        paths = read_list(_content(place))
        names = ((path, path if "://" in path else os.path.abspath(path)) for path in paths)
        source.pictures = {_utf8(key): _utf8(path) for key, path in names}
        source.total = len(source.pictures)
    elif place.path.lower().endswith((*TARS, *PARQUET)):
        source.add(place, posixpath.basename(place.path))
    else:
        raise ConfigError(
            f"{shown} is no folder, list ({' '.join(LISTS)}), Parquet file ({' '.join(PARQUET)}) or tar ({' '.join(TARS)})"
        )
    if not (source.pictures or source.packs):
        what = f"no picture ({' '.join(SUFFIXES)}), Parquet file or tar in {shown}"
        hint = "; --recursive looks into subfolders" if kind == "folder" and not recursive else ""
        raise ConfigError(f"{what}{hint}")
    return source


def _content(place: Place) -> bytes:
    try:
        with place.open() as file:
            return bytes(file.read(LONGEST_LIST + 1))
    except OSError as error:
        raise ConfigError(f"cannot read list {display_name(place.name)}: {plain(error)}") from None


def read_pack(pack: Pack) -> Iterator[Picture]:
    """Yield the pictures of a tar or row group; the last has an error if the rest of the file cannot be read."""
    pa, place = import_pyarrow(), Place.of(pack.name)
    try:
        with place.open() as file:
            yield from _read_tar(file, pack) if pack.group < 0 else _read_group(file, pack)
    except (pa.ArrowException, tarfile.TarError, OSError, EOFError) as error:
        where = pack.key if pack.group < 0 else f"{pack.key}/{pack.group}"
        yield Picture(where, error=f"cannot read {display_name(pack.name)}: {plain(error)}")


def _read_tar(file: Any, pack: Pack) -> Iterator[Picture]:
    with tarfile.open(fileobj=file, mode="r|*") as tar:
        while member := tar.next():
            tar.members = []  # type: ignore[attr-defined]  # which would hold an object for each file
            last = posixpath.basename(member.name)
            # WebDataset's key ends at the first dot: a.jpg is the picture of sample a, a.labels.png is not.
            stem, dot, ending = last.partition(".")
            if member.isreg() and stem and f"{dot}{ending}".lower() in SUFFIXES:
                content = tar.extractfile(member)
                assert content  # it is a regular file
                yield Picture(f"{pack.key}/{member.name.removeprefix('./')}", bytes=content.read())


def _read_group(file: Any, pack: Pack) -> Iterator[Picture]:
    parquet = import_pyarrow().parquet.ParquetFile(file)
    names = [name for name in ("key", *SOURCES) if name in parquet.schema_arrow.names]
    row = pack.first
    for batch in parquet.iter_batches(ROWS, row_groups=[pack.group], columns=names):
        for values in batch.to_pylist():
            yield _picture(values, f"{pack.key}/{row}")
            row += 1


def _picture(values: dict[str, Any], place: str) -> Picture:
    """Return the picture in a row; `place` is its key if no column has one."""
    encoded, path = picture_of(*map(values.get, SOURCES))
    key = str(next((value for value in (values.get("key"), values.get("path")) if value is not None), place))
    if not isinstance(encoded, bytes | None):
        return Picture(
            key, error=f"{place}: a picture in Parquet is bytes or a path, got {type(encoded).__name__}"
        )
    return Picture(key, encoded, path, None if encoded or path else f"{place} holds no picture")


def _utf8(name: str) -> str:
    """Return a name as UTF-8 holds it, the other bytes as escapes: such a picture's row says that there is no such file."""
    return name.encode("utf-8", "backslashreplace").decode()
