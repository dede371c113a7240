"""The output of one picture as bytes, for pipes and servers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from faceparse.errors import ConfigError
from faceparse.results import Parsing
from faceparse.writers import Writer


def encode(parsing: Parsing, writer: Writer) -> bytes:
    """Return the bytes of the only file that a writer writes for a picture.

    >>> png = encode(parsing, writers(["mask"])["mask"])  # doctest: +SKIP

    Raises:
        ConfigError: the writer writes several files for a picture, or none.
        OutputError: no space for temporary files.
    """
    files = encode_files(parsing, writer)
    if len(files) != 1:
        raise ConfigError(
            f"{writer.name} writes {len(files)} files for this picture, expected one: choose with --classes, or give a folder"
        )
    return next(iter(files.values()))


def encode_files(parsing: Parsing, writer: Writer) -> dict[str, bytes]:
    """Return name → bytes of the files that a writer writes for a picture; the names begin with `picture`.

    Raises:
        OutputError: no space for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="faceparse-") as folder:
        stem = Path(folder, "picture")
        paths = writer.write(parsing, stem) or writer.finish(Path(folder), [stem])
        return {path.name: path.read_bytes() for path in paths}
