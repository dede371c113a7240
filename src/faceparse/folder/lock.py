"""Locks that allow one run at a time in an output folder, or the shards of one run; the system releases them however a run ends."""

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

    The run of all pictures holds `lock`, a shard of it `lock-2-of-8`. Only shards of one number run at the same time.

    Raises:
        OutputError: another process holds the lock or the lock of another division into shards, or the file
            cannot be created.
    """
    with _open(path, os.O_RDWR | os.O_CREAT) as file:
        _lock(file, path)
        os.ftruncate(file, 0)
        os.write(file, f" {os.getpid()}".encode())  # Windows locks the first byte, which nobody can then read
        for other in path.parent.glob("lock*"):
            if other.name.partition("-of-")[1:] != path.name.partition("-of-")[1:]:
                with _open(other, os.O_RDWR) as rival:
                    _lock(
                        rival, path, shared=True
                    )  # shared, because several shards may look at the same time
        yield


@contextmanager
def _open(path: Path, flags: int) -> Iterator[int]:
    file = open_state(path, flags)
    try:
        yield file
    finally:
        os.close(file)


def _lock(file: int, path: Path, *, shared: bool = False) -> None:
    if not _locked(file, shared):
        holder = os.pread(file, 20, 1).decode("ascii", "replace") if hasattr(os, "pread") else ""
        process = f" (process {holder})" if holder.isdigit() else ""
        raise OutputError(
            f"another run{process} is writing into {path.parent.parent}: wait for it, or choose another folder with -o"
        )


def _locked(file: int, shared: bool) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:  # there are no shared locks: LK_LOCK waits for the others who look
            msvcrt.locking(file, msvcrt.LK_LOCK if shared else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:  # a file system without locks: run without a lock
        return not isinstance(error, BlockingIOError)
    return True
