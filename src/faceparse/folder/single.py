"""One result as bytes, for those who pipe."""

from __future__ import annotations

import tempfile
from pathlib import Path

from faceparse.errors import ConfigError
from faceparse.results import Parsing
from faceparse.writers import Writer


def written_bytes(parsing: Parsing, writer: Writer) -> bytes:
    """What a writer writes of one picture, as the bytes of its only file.

    >>> png = written_bytes(parsing, writers(["mask"])["mask"])  # doctest: +SKIP

    Raises:
        ConfigError: the writer makes several files, or none, of a picture.
        OutputError: no place for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="faceparse-") as folder:
        stem = Path(folder, "picture")
        paths = writer.write(parsing, stem) or writer.finish(Path(folder), [stem])
        if len(paths) != 1:
            raise ConfigError(
                f"{writer.name} makes {len(paths)} files of this picture, and -o - takes one: give a folder"
            )
        return paths[0].read_bytes()
