"""The files in an output folder in which runs keep their own state.

>>> file = open_state(Path("out/.faceparse/lock"), os.O_RDWR | os.O_CREAT)  # doctest: +SKIP
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from faceparse.errors import OutputError

FOLDER = ".faceparse"
"""Folder in the output folder that holds the manifest and the lock."""

_FLAGS = sum(getattr(os, f"O_{name}", 0) for name in ("BINARY", "NOFOLLOW", "NONBLOCK", "CLOEXEC"))


def open_state(path: Path, flags: int) -> int:
    """Open a state file and return its descriptor; refuse links and pipes, which others may have put in its place.

    Raises:
        OutputError: the file cannot be opened or is not a regular file, or it (hard links included) or its
            folder is a link.
    """
    there = path.lstat() if os.path.lexists(path) else None
    if path.parent.is_symlink() or (there and (not stat.S_ISREG(there.st_mode) or there.st_nlink > 1)):
        raise OutputError(f"{path} or its folder is a link or a pipe: put a copy there, or remove it")
    try:
        return os.open(path, flags | _FLAGS, 0o666)  # the flags guard against a link or pipe created since
    except OSError as error:
        raise OutputError(f"cannot open {path}: {error.strerror}") from None


def is_inside(folder: Path, output: Path) -> bool:
    """Return whether a folder is the output folder or inside it, after resolving links."""
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(output))
