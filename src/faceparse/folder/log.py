"""The log of a run as JSON lines, each written immediately.

>>> with open_log(Path("-")) as write:
...     write({"path": "a.jpg", "status": "failed"})
{"path": "a.jpg", "status": "failed"}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from faceparse.errors import ConfigError, OutputError
from faceparse.files import open_regular
from faceparse.folder.state import FOLDER

_BEGINNINGS = {b"", b'{"path": "', b'{"summary"'}
"""Possible first 10 bytes of a log."""


@contextmanager
def open_log(path: Path) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """Open a log file for appending; yield a function that adds a record, such as `Outcome.record()`; `-` is stdout.

    Raises:
        ConfigError: an existing file that is not a log, or a path in the folder of the run's own files.
        OutputError: the log cannot be written.
    """

    def write(record: Mapping[str, object]) -> None:
        try:
            file.write(json.dumps(record) + "\n")
            file.flush()
        except OSError as error:
            raise OutputError(f"cannot write the log: {error.strerror or error}") from error

    try:
        if path.parent.name == FOLDER or (path.is_file() and _beginning(path) not in _BEGINNINGS):
            raise ConfigError(f"the log {path} is an existing file of another kind: name another file")
        file = sys.stdout if str(path) == "-" else path.open("a", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the log {path}: {error.strerror}") from None
    try:
        yield write
    finally:
        if file is not sys.stdout:
            with suppress(OSError):  # a write error was already reported
                file.close()


def _beginning(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(10)
