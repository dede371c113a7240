"""Files on disk: their SHA-256, and writing them whole or not at all.

>>> from pathlib import Path
>>> with atomic(Path("model.bin")) as file:  # doctest: +SKIP
...     file.write_bytes(b"...")
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceparse.errors import OutputError


def sha256(path: str | Path) -> str:
    """Full SHA-256 of a file, 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def atomic(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path beside `path`; what is written there takes its place when the block ends well.

    An error in the block leaves `path` as it was and nothing beside it.

    Raises:
        OutputError: `path` exists and `overwrite` is False, is a folder, or cannot be written.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already: name another file, or allow overwriting it")
    # Not tempfile: its files are readable by their owner alone, and the finished file would stay so.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
