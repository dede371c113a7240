"""Files and folders in any file system of pyarrow: the local one, `s3://`, `gs://`, `hdfs://` and more.

>>> folder = Place.of("s3://bucket/photos?region=eu-west-1")  # doctest: +SKIP
>>> (folder / "a b.jpg").name  # doctest: +SKIP
's3://bucket/photos/a%20b.jpg?region=eu-west-1'
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from faceparse.errors import ConfigError, ImageError, display_name
from faceparse.files import open_regular
from faceparse.scale.table import import_pyarrow


class Place(NamedTuple):
    """A file or folder, which need not exist.

    Attributes:
        system: The `pyarrow.fs.FileSystem`.
        path: Path in the file system.
        name: Path or address as a user writes it; `Place.of(name)` is this place again, on any machine.
    """

    system: Any
    path: str
    name: str

    @classmethod
    def of(cls, name: str | Path) -> Place:
        """Return the place of a path, or of an address such as `s3://bucket/folder`.

        Raises:
            ConfigError: an address of an unknown kind.
            MissingExtraError: pyarrow is not installed.
        """
        name = str(name)
        if "://" not in name:
            return cls(import_pyarrow().fs.LocalFileSystem(), name, name)
        parts = urlsplit(name)
        system, root = _system(parts.scheme, parts.netloc, parts.query)
        return cls(system, (root.rstrip("/") + unquote(parts.path)).rstrip("/") or "/", name)

    def __truediv__(self, inner: str) -> Place:
        path = f"{self.path.rstrip('/')}/{inner}"
        if "://" not in self.name:
            return Place(self.system, path, os.path.join(self.name, inner))
        parts = urlsplit(self.name)
        return Place(
            self.system, path, urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(inner)}"))
        )

    @property
    def local(self) -> Path | None:
        """The path on this machine; None in another file system."""
        return Path(self.path) if self.system.type_name == "local" else None

    @property
    def kind(self) -> str:
        """`file`, `folder`, or `none` if nothing is there.

        Raises:
            ConfigError: the file system cannot be reached.
        """
        fs = import_pyarrow().fs
        try:
            found = self.system.get_file_info(self.path).type
        except OSError as error:
            raise ConfigError(f"cannot reach {display_name(self.name)}: {plain(error)}") from None
        return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(found, "none")

    def entries(self, *, hidden: bool = False) -> list[tuple[str, bool]]:
        """Return the names in a folder, sorted, each with whether it is a folder; without names that begin with a dot.

        Raises:
            OSError: the folder cannot be read.
        """
        if self.local:  # pyarrow takes no name that is not UTF-8
            with os.scandir(self.path) as found:
                entries = [(entry.name, entry.is_dir()) for entry in found]
        else:
            fs = import_pyarrow().fs
            infos = self.system.get_file_info(fs.FileSelector(self.path))
            entries = [(info.base_name, info.type == fs.FileType.Directory) for info in infos]
        return sorted(entry for entry in entries if hidden or not entry[0].startswith("."))

    def open(self) -> Any:
        """Open a file to read it, as a `pyarrow.NativeFile` that can seek.

        Raises:
            OSError: the file cannot be read.
        """
        return self.system.open_input_file(self.path)


def read_picture(name: str) -> bytes:
    """Return the content of a picture file; a path needs no pyarrow, an address does.

    Raises:
        ImageError: the file cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        with Place.of(name).open() if "://" in name else open_regular(name) as file:
            return bytes(file.read())
    except OSError as error:
        raise ImageError(f"cannot read {display_name(name)}: {plain(error)}") from None


def plain(error: BaseException) -> str:
    """Return the reason of a system error: pyarrow's errors repeat the path and themselves.

    >>> plain(OSError(28, "Error writing bytes to file. Detail: [errno 28] No space left on device"))
    'No space left on device'
    """
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split())[:300]


@lru_cache(64)
def _system(scheme: str, host: str, query: str) -> tuple[Any, str]:
    """Return a file system and the path of its root, one for each bucket, whose connections are shared."""
    pa = import_pyarrow()
    address = urlunsplit((scheme, host, "/" if not host else "", query, ""))
    try:
        system, root = pa.fs.FileSystem.from_uri(address)
    except (pa.ArrowException, OSError) as error:
        kinds = "a path, file://, s3://, gs://, hdfs:// or another address that pyarrow reads"
        raise ConfigError(f"{scheme}://{host}: {plain(error)}; expected {kinds}") from None
    return system, root
