r"""A run's log: JSON lines, written at once.

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

from faceparse.errors import OutputError


@contextmanager
def open_log(path: Path) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """What to call with each record, such as `Outcome.record()`, to add it to a file; `-` is stdout.

    Raises:
        OutputError: it cannot be written.
    """

    def write(record: Mapping[str, object]) -> None:
        try:
            file.write(json.dumps(record) + "\n")
            file.flush()
        except OSError as error:
            raise OutputError(f"cannot write the log: {error.strerror or error}") from error

    try:
        file = sys.stdout if str(path) == "-" else path.open("a", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the log {path}: {error.strerror}") from None
    try:
        yield write
    finally:
        if file is not sys.stdout:
            with suppress(OSError):  # what a full disk left unwritten was reported by then
                file.close()
