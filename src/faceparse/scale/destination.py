"""The files of a table of parsings: Parquet files or tars in a folder of any file system of pyarrow.

>>> with open_destination(Place.of("out"), "parquet", header) as table:  # doctest: +SKIP
...     table.add(to_table(rows))

A file gets its name when it is complete, so a killed run loses the rows of one unfinished file and doubles none::

    rows-00000.parquet          metadata `faceparse`: format, scheme, model and options
    rows-00000.tar              uncompressed, in WebDataset's layout
        __faceparse__/header.json   the same
        sub/a%2Ejpg.json            the row of sub/a.jpg; in a key, %2E is a dot and %25 a percent sign
        sub/a%2Ejpg.jpg             the picture's bytes, if they are kept
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any, ClassVar

from faceparse.errors import ConfigError, DataError, FaceparseError, OutputError, display_name
from faceparse.files import json_bytes
from faceparse.folder.lock import hold_lock
from faceparse.folder.state import FOLDER
from faceparse.labels.archive import PARQUET_HEADER, TAR_HEADER, to_key
from faceparse.pictures.formats import HEAD, format_of
from faceparse.scale.place import Place, plain
from faceparse.scale.table import Header, Row, check_schema, import_pyarrow, schema

ROWS = 1000
"""Default number of rows of one file."""

GROUP = 32 << 20
"""Bytes of rows that are collected for one row group of a Parquet file."""


class Rows(ABC):
    """An open file of rows; a subclass writes and reads one form."""

    ending: ClassVar[str]

    @abstractmethod
    def __init__(self, file: IO[bytes], header: Header) -> None: ...

    @abstractmethod
    def add(self, table: Any) -> None:
        """Write the rows of a `pyarrow.Table`."""

    @abstractmethod
    def close(self) -> None:
        """Write what is still to be written; the file stays open."""

    @staticmethod
    @abstractmethod
    def header(file: Any, name: str) -> Header:
        """Read a file's header; `name` is for messages."""

    @staticmethod
    @abstractmethod
    def read(file: Any, columns: Iterable[str] = ()) -> Iterator[Row]:
        """Yield the rows of an open file, with these columns or all."""


class ParquetRows(Rows):
    """Rows in a Parquet file."""

    ending = ".parquet"

    def __init__(self, file: IO[bytes], header: Header) -> None:
        metadata = schema().with_metadata({PARQUET_HEADER: header.to_json()})
        self._writer = import_pyarrow().parquet.ParquetWriter(file, metadata, compression="zstd")
        self._tables: list[Any] = []

    def add(self, table: Any) -> None:
        self._tables.append(table)
        if sum(table.nbytes for table in self._tables) > GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._tables:
            pa = import_pyarrow()
            self._writer.write_table(
                pa.concat_tables(self._tables).replace_schema_metadata(None).cast(schema())
            )
            self._tables = []

    def close(self) -> None:
        self._flush()
        self._writer.close()

    @staticmethod
    def header(file: Any, name: str) -> Header:
        return check_schema(import_pyarrow().parquet.read_schema(file), name)

    @staticmethod
    def read(file: Any, columns: Iterable[str] = ()) -> Iterator[Row]:
        for batch in import_pyarrow().parquet.ParquetFile(file).iter_batches(columns=list(columns) or None):
            yield from batch.to_pylist()


class TarRows(Rows):
    """Rows in a tar, one JSON file each, beside the picture if it is kept."""

    ending = ".tar"

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._add(TAR_HEADER, header.to_json())

    def _add(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))
        self._tar.members = []  # type: ignore[attr-defined]  # which would hold an object for each file

    def add(self, table: Any) -> None:
        for row in table.to_pylist():
            key, image = to_key(row["key"].lstrip("/")), row.pop("image")
            self._add(f"{key}.json", json_bytes(row))
            if image is not None:
                kind = format_of(image[:HEAD])
                self._add(key + (kind.suffixes[0] if kind else ".bin"), image)

    def close(self) -> None:
        self._tar.close()

    @staticmethod
    def header(file: Any, name: str) -> Header:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            first = tar.next()
            content = tar.extractfile(first) if first and first.name == TAR_HEADER else None
            return Header.read(content.read() if content else None, name)

    @staticmethod
    def read(file: Any, columns: Iterable[str] = ()) -> Iterator[Row]:
        wanted = set(columns)
        with tarfile.open(fileobj=file, mode="r|") as tar:
            row: Row = {}
            while member := tar.next():
                tar.members = []  # type: ignore[attr-defined]
                content = tar.extractfile(member)
                if content is None or member.name == TAR_HEADER:
                    continue
                if member.name.endswith(".json"):
                    if row:
                        yield row
                    row = {"image": None, **json.loads(content.read())}
                    row = {name: row[name] for name in row if not wanted or name in wanted}
                elif not wanted or "image" in wanted:
                    row["image"] = content.read()
            if row:
                yield row


FORMS: dict[str, type[Rows]] = {"parquet": ParquetRows, "tars": TarRows}
"""Forms of files by name."""


class Destination:
    """A folder of files of rows, to which rows are added; see `open_destination`.

    Attributes:
        keys: Keys of the rows that the folder held at first.
        bytes: Size of the files written since.
    """

    def __init__(self, folder: Place, form: type[Rows], header: Header, rows: int) -> None:
        self.keys, self.bytes = set[str](), 0
        self._folder, self._form, self._header, self._most = folder, form, header, rows
        self._number, self._count = 0, 0
        self._rows: Rows | None = None
        self._stream: Any = None

    def look(self, overwrite: bool) -> None:
        """Read the keys of the rows in the folder, or remove these rows; remove what a killed run left."""
        for name, is_folder in self._folder.entries(hidden=True):
            numbered, file = _NAME.fullmatch(name), self._folder / name
            if is_folder or not numbered:
                continue
            if overwrite or numbered[3]:
                self._folder.system.delete_file(file.path)
                continue
            if numbered[2] != self._form.ending:
                raise ConfigError(
                    f"{file.name} is of another form than {self._form.ending}: choose with --to, or name another folder"
                )
            self._number = max(self._number, int(numbered[1]) + 1)
            self._read(file)

    def _read(self, file: Place) -> None:
        try:
            with file.open() as opened:
                there = self._form.header(opened, file.name).identity
            identity = self._header.identity
            if changed := [n for n in {**there, **identity} if there.get(n) != identity.get(n)]:
                raise ConfigError(
                    f"{file.name} has rows of another model or other settings ({', '.join(changed)}): name another "
                    "folder, or redo all with --overwrite"
                )
            with file.open() as opened:
                self.keys.update(row["key"] for row in self._form.read(opened, ["key"]))
        except FaceparseError:
            raise
        except Exception as error:  # pyarrow, tarfile and json each have errors of their own
            raise DataError(f"cannot read {file.name}: {plain(error)}; remove it to redo its rows") from None

    def add(self, table: Any) -> None:
        """Write the rows of a `pyarrow.Table` of `faceparse.scale.table.schema`.

        Raises:
            OutputError: the file cannot be written; the rows of the unfinished file are lost.
        """
        with self._writing():
            if self._rows is None:
                self._count, self._stream = 0, self._open()
                self._rows = self._form(self._stream, self._header)
            self._rows.add(table)
            self._count += len(table)
        if self._count >= self._most:
            self.close()

    def close(self) -> None:
        """Finish the file, and give it its name.

        Raises:
            OutputError: the file cannot be written; its rows are lost.
        """
        if self._rows is None:
            return
        with self._writing():
            self._rows.close()
            self.bytes += self._stream.tell()
            self._stream.close()
            self._folder.system.move(self._temporary, self._file.path)
            self._rows, self._number = None, self._number + 1

    def _open(self) -> Any:
        return self._folder.system.open_output_stream(self._temporary, buffer_size=1 << 20)

    @property
    def _file(self) -> Place:
        return self._folder / f"rows-{self._number:05d}{self._form.ending}"

    @property
    def _temporary(self) -> str:
        return (self._folder / f".rows-{self._number:05d}{self._form.ending}.part").path

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn an error of the file system into one line, and drop the unfinished file."""
        try:
            yield
        except (import_pyarrow().ArrowException, OSError) as error:
            self._rows = None
            with suppress(Exception):
                self._stream.close()
            with suppress(Exception):
                self._folder.system.delete_file(self._temporary)
            raise OutputError(f"cannot write {display_name(self._file.name)}: {plain(error)}") from error


_NAME = re.compile(r"\.?rows-(\d{5,})(\.parquet|\.tar)(\.part)?")


@contextmanager
def open_destination(
    folder: Place, form: str, header: Header, *, rows: int = ROWS, overwrite: bool = False
) -> Iterator[Destination]:
    """Open a folder to add rows; only one run at a time may write into a local folder.

    Args:
        folder: The folder; a missing one is made.
        form: `parquet` or `tars`.
        header: Header of the table.
        rows: Number of rows after which a file ends.
        overwrite: Whether to remove the rows that the folder holds.

    Raises:
        ConfigError: an unknown form, or a folder with rows of another form, model or settings.
        DataError: a damaged file, or one of another kind or version.
        OutputError: the folder cannot be written to, or another run writes into it.
    """
    if form not in FORMS:
        raise ConfigError(f"rows are written as {' or '.join(FORMS)}; got {form!r}")
    shown = display_name(folder.name)
    if folder.kind == "file":
        raise OutputError(f"{shown} is a file: name a folder for the table")
    with ExitStack() as stack:
        destination = Destination(folder, FORMS[form], header, rows)
        try:
            folder.system.create_dir(folder.path)
            if folder.local:
                (folder.local / FOLDER).mkdir(exist_ok=True)
                stack.enter_context(hold_lock(folder.local / FOLDER / "lock"))
            destination.look(overwrite)
        except FaceparseError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write into {shown}: {plain(error)}") from None
        try:
            yield destination
        finally:  # rows that were added are whole, whatever ended the run
            destination.close()
