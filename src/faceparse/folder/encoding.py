"""One picture's output as bytes, for pipes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from faceparse.errors import ConfigError
from faceparse.results import Parsing
from faceparse.writers import Writer


def encode(parsing: Parsing, writer: Writer) -> bytes:
    """The bytes of the one file that a writer makes of a picture.

    >>> png = encode(parsing, writers(["mask"])["mask"])  # doctest: +SKIP

    Raises:
        ConfigError: the writer makes several files, or none, of a picture.
        OutputError: no place for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="faceparse-") as folder:
        stem = Path(folder, "picture")
        paths = writer.write(parsing, stem) or writer.finish(Path(folder), [stem])
        if len(paths) != 1:
            raise ConfigError(
                f"{writer.name} makes {len(paths)} files of this picture, and one is asked for: choose --classes, or give a folder"
            )
        return paths[0].read_bytes()
