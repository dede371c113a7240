"""The process that parses: it loads the model once, and counts how many processes died of a picture.

>>> actor = Actor(Parse(), None, "faceparse-marks")  # doctest: +SKIP
>>> actor(pyarrow.table({"path": ["a.jpg"]}))["trust"].to_pylist()  # doctest: +SKIP
[0.93]
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceparse.errors import FaceparseError
from faceparse.parser import in_order
from faceparse.scale.parse import Parse
from faceparse.scale.table import Row, error_row, to_table

DEATHS = 2
"""Number of workers that may die of a picture before it is parsed alone, for the last time."""


class Actor:
    """A worker: it loads the model once, and turns a table of pictures into a table of rows.

    A file on the worker's machine marks each picture that is being parsed. If it is still there when a worker
    begins the picture again, an earlier worker died meanwhile. A picture that was there at two deaths is parsed
    alone, so that it takes no other with it, and after a third death its row has an error.
    """

    def __init__(self, parse: Parse, prepare: Callable[[], None] | None, folder: str) -> None:
        if prepare:
            prepare()
        self._parse, self._marks = parse, Path(tempfile.gettempdir(), folder)
        self._marks.mkdir(exist_ok=True)
        self._fault: FaceparseError | None = None
        try:
            parse.load()
        except FaceparseError as error:  # Ray reports the error of a batch, but starts an actor again
            self._fault = error

    def __call__(self, table: Any) -> Any:
        if self._fault:
            raise self._fault
        entries = table.to_pylist()
        deaths = [self._deaths(entry) for entry in entries]
        together = [entry for entry, count in zip(entries, deaths, strict=True) if count < DEATHS]
        alone = [entry for entry, count in zip(entries, deaths, strict=True) if count >= DEATHS]
        return to_table([*in_order(self._row, together, self._parse.jobs), *map(self._row, alone)])

    def _row(self, entry: Row) -> Row:
        deaths, mark = self._deaths(entry), self._mark(entry)
        if deaths > DEATHS:
            error = f"{entry['key']}: {deaths} processes that parsed it died; is it too large for the memory?"
            return error_row(entry["key"], error, path=entry.get("path"))
        mark.write_bytes(b"x" * (deaths + 1))
        row = self._parse.row(entry)
        mark.unlink(missing_ok=True)
        return row

    def _mark(self, entry: Row) -> Path:
        return self._marks / hashlib.sha256(entry["key"].encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _deaths(self, entry: Row) -> int:
        """Return how many workers died while they parsed a picture."""
        try:
            return self._mark(entry).stat().st_size
        except OSError:
            return 0
