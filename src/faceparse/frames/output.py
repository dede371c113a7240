"""An output of a video, which gets its name only when it is complete."""

from __future__ import annotations

import logging
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from faceparse.errors import FaceparseError, OutputError, display_name, in_words
from faceparse.files import TEMPORARY, check_output, make_folder

_log = logging.getLogger(__name__)


class Output(ABC):
    """A context manager that writes to a temporary file or folder, and renames it to `path` at the end.

    If the block ends with an exception, Ctrl-C among them, the frames written so far become `STEM.partial.EXT`, which is
    a valid file. A killed process leaves only the temporary one.

    Args:
        path: Path of the output.
        overwrite: Whether the output may exist.

    Raises:
        OutputError: the output exists and `overwrite` is False, or it cannot be written.
    """

    _errors: tuple[type[Exception], ...] = (OSError,)
    """Exceptions of writing that become an `OutputError`."""

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.partial = self.path.with_name(f"{self.path.stem}.partial{self.path.suffix}")
        self._overwrite = overwrite
        self._frames = 0
        self._until = 0.0
        self._part = self.path.with_name(f".{self.path.name[:TEMPORARY]}.{secrets.token_hex(4)}.part")

    def __enter__(self) -> Self:
        if self._is_taken() and not self._overwrite:
            hint = "name another, or allow overwriting it (--overwrite)"
            raise OutputError(f"{display_name(self.path)} exists already: {hint}")
        make_folder(self.path.parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if not self._frames:
                    raise OutputError(f"{display_name(self.path)}: no frame was written")
                with self._faults():
                    self._finish(True)
                    self._place(self.path)
            elif self._frames:
                self._keep_partial()
        finally:
            with suppress(Exception):
                self._abandon()
            shutil.rmtree(self._part, ignore_errors=True)
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _keep_partial(self) -> None:
        try:
            self._finish(False)
            self._place(self.partial)
        except Exception as fault:  # the exception that ended the block counts, not this one
            _log.warning("warning: %s is lost: %s", display_name(self.path), in_words(fault))
        else:
            _log.warning(
                "warning: %s is partial: it holds %d frames, until %.2f s",
                display_name(self.partial),
                self._frames,
                self._until,
            )

    def _wrote(self, time: float) -> None:
        """Count a frame that was written."""
        self._frames += 1
        self._until = time

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn exceptions of writing into an `OutputError` that names the output."""
        try:
            yield
        except FaceparseError:
            raise
        except self._errors as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"cannot write {display_name(self.path)}: {reason}") from error

    def _is_taken(self) -> bool:
        check_output(self.path)
        return self.path.exists()

    def _place(self, path: Path) -> None:
        """Rename the complete output to `path`."""
        self._part.replace(path)

    @abstractmethod
    def _finish(self, whole: bool) -> None:
        """Write what is left, and close the output; `whole` is False after an exception."""

    @abstractmethod
    def _abandon(self) -> None:
        """Close what an exception left open."""
