r"""A run's log as JSON lines: one for each picture, and a last one for the run.

>>> import io
>>> from pathlib import Path
>>> from faceparse.folder import Job
>>> text = io.StringIO()
>>> Log(text).picture(Outcome(Job(Path("a.jpg"), Path("out/a")), "failed", "a.jpg is empty (0 bytes)"))
>>> text.getvalue()
'{"path": "a.jpg", "status": "failed", "reason": "a.jpg is empty (0 bytes)", "faces": 0, "engine": "", "seconds": {}, "outputs": []}\n'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from faceparse.errors import OutputError
from faceparse.folder.run import Outcome
from faceparse.folder.summary import Summary


class Log:
    """Writes lines to a text file, each at once.

    Raises:
        OutputError: from its methods, when the file cannot be written.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def picture(self, outcome: Outcome) -> None:
        """`path`, `status`, `reason`, `faces`, `engine`, `seconds` by step, `outputs`."""
        self._line(
            {
                "path": str(outcome.job.source),
                "status": outcome.status,
                "reason": outcome.reason,
                "faces": outcome.faces,
                "engine": outcome.engine,
                "seconds": {step: round(s, 6) for step, s in outcome.seconds.items()},
                "outputs": [str(path) for path in outcome.outputs],
            }
        )

    def summary(
        self, summary: Summary, *, total: int, seconds: float, end_reason: str, outputs: Iterable[Path]
    ) -> None:
        """`summary`: counts by status, `total`, `seconds`, why it `ended` early, `reasons`, `outputs` of the run."""
        self._line(
            {
                "summary": {
                    **{status: summary.counts[status] for status in ("written", "skipped", "failed")},
                    "total": total,
                    "seconds": round(seconds, 3),
                    "ended": end_reason,
                    "reasons": dict(summary.reasons("failed")),
                    "outputs": [str(path) for path in outputs],
                }
            }
        )

    def _line(self, line: dict[str, object]) -> None:
        try:
            self._file.write(json.dumps(line) + "\n")
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
