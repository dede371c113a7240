"""Checksums of files."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from time import time_ns

from faceparse.errors import OutputError
from faceparse.files import atomic

SETTLED = 2_000_000_000
"""Nanoseconds that a file must be unchanged before its hash is cached: file system clocks are coarse."""


def sha256(path: str | Path) -> str:
    """Return the full SHA-256 of a file, 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def noted_sha256(path: Path, *, again: bool = False) -> str:
    """Return the full SHA-256 of a file in the cache; read the file only if it changed since its hash was noted.

    Args:
        path: The file; a note beside it stores the hash.
        again: Whether to read the file in any case.
    """
    status = path.stat()
    state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    note = path.with_name(f".{path.name}.sha256")
    with suppress(OSError, ValueError):
        digest, _, noted = note.read_text(encoding="ascii").partition(" ")
        if noted == state and not again:
            return digest
    digest = sha256(path)
    if time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
        with suppress(OutputError), atomic(note, overwrite=True) as temporary:  # not in a read-only cache
            temporary.write_text(f"{digest} {state}", encoding="ascii")
    return digest
