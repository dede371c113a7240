"""A lock that allows one run at a time in an output folder; the system releases it however the run ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceparse.errors import OutputError
from faceparse.folder.state import open_state


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; a killed process releases the lock.

    Raises:
        OutputError: another process holds the lock, or the file cannot be created.
    """
    file = open_state(path, os.O_RDWR | os.O_CREAT)
    try:
        if not _lock(file):
            holder = os.pread(file, 20, 1).decode("ascii", "replace") if hasattr(os, "pread") else ""
            process = f" (process {holder})" if holder.isdigit() else ""
            raise OutputError(
                f"another run{process} is writing into {path.parent.parent}: wait for it, or choose another folder with -o"
            )
        os.ftruncate(file, 0)
        os.write(file, f" {os.getpid()}".encode())  # Windows locks the first byte, which nobody can then read
        yield
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # a file system without locks: run without a lock
        return not isinstance(error, BlockingIOError)
    return True
