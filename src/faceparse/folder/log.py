r"""A run's log: JSON lines, written at once.

>>> import sys
>>> Log(sys.stdout).write({"path": "a.jpg", "status": "failed"})
{"path": "a.jpg", "status": "failed"}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from faceparse.errors import OutputError


class Log:
    """Writes to a text file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, record: Mapping[str, object]) -> None:
        """Write one line, such as `Outcome.record()`.

        Raises:
            OutputError: the file cannot be written.
        """
        try:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write the log: {error.strerror or error}") from error


@contextmanager
def open_log(path: Path) -> Iterator[Log]:
    """A log that adds to a file.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the log {path}: {error.strerror}") from None
    try:
        yield Log(file)
    finally:
        with suppress(OSError):  # what a full disk left unwritten was reported by then
            file.close()
