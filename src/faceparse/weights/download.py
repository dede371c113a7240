"""Download one file over HTTP, and continue an interrupted download where it stopped.

>>> from pathlib import Path
>>> fetch_url("https://example.org/model.onnx", Path("staging"), "model.onnx").path  # doctest: +SKIP
PosixPath('staging/model.onnx')

A download continues only if the server's `ETag` or `Last-Modified` is unchanged (`If-Range`, RFC 9110,
section 13.1.5); a file that has changed is downloaded again in full. The caller compares the SHA-256.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from faceparse.errors import DownloadError, OutputError
from faceparse.tables import between, convert
from faceparse.version import __version__
from faceparse.weights.cache import CACHE_VARIABLE

if TYPE_CHECKING:
    from requests import Response
    from requests.structures import CaseInsensitiveDict

T = TypeVar("T")

Progress = Callable[[int, int | None], None]
"""Function called with the number of bytes on disk and, if known, the size of the whole file."""

TIMEOUT = 30.0
"""Seconds to wait for a connection and for each next part of a response."""

LARGEST = 1 << 34
"""Largest file in bytes if no card states the size."""

_TRIES = 5
_SLOWEST, _LARGEST_PART = 1024, 1 << 20
"""Bytes per second below which a server counts as unresponsive, and most bytes to read at a time."""

_LOG = logging.getLogger("faceparse.weights")


class Download(NamedTuple):
    """A downloaded file, and the headers of the server's responses, including redirects."""

    path: Path
    headers: Mapping[str, str]


def fetch_url(
    url: str,
    folder: Path,
    name: str,
    *,
    size: int = 0,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
    token: str = "",
) -> Download:
    """Download a file into a folder that no other process uses during the download.

    Args:
        url: Address of the file.
        folder: Target folder; an interrupted download leaves the beginning of the file here.
        name: Name of the target file.
        size: Exact size in bytes; 0 if unknown.
        timeout: Seconds to wait for each response of the server; at most a day.
        progress: Called with the state of the download.
        token: Access token for servers that need one; not sent to the targets of redirects.

    Raises:
        DownloadError: a `timeout` out of range; a server that does not respond, refuses, breaks off, or
            serves another number of bytes.
        OutputError: the folder cannot be written, or the disk is full.
    """
    convert(Annotated[float, between(0.01, 86_400)], timeout, "timeout", error=DownloadError)
    headers = {"Accept-Encoding": "identity", "User-Agent": f"faceparse/{__version__}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        progress = progress or (lambda done, total: None)
        return _Transfer(url, headers, folder / name, size, timeout, progress).run()
    except OSError as error:
        raise OutputError(
            f"cannot write {folder / name}: {error.strerror or error}; {CACHE_VARIABLE} moves the cache"
        ) from error


@dataclass(frozen=True)
class _Transfer:
    """One download in up to `_TRIES` attempts; the partial file and its note stay for the next call if all fail."""

    url: str
    headers: Mapping[str, str]
    path: Path
    size: int
    timeout: float
    progress: Progress

    @property
    def note(self) -> Path:
        """File with address and version of the partial file at `path`; deleted once the file is complete."""
        return self.path.with_name(f".{self.path.name}.note")

    def run(self) -> Download:
        """Download the file in one or more attempts."""
        import requests
        from urllib3.exceptions import HTTPError

        for tries_left in reversed(range(_TRIES)):
            before = self.bytes_here()
            try:
                response = self.attempt(before)
                break
            # ValueError: a bad address
            except (requests.RequestException, HTTPError, TimeoutError, ValueError) as error:
                here = self.bytes_here()
                if not tries_left or here <= before:
                    raise self.failure(error, here) from None
                _LOG.info("%s: broken off after %d bytes, going on: %s", self.url, here, _reason(error))
        self.note.unlink(missing_ok=True)
        headers: CaseInsensitiveDict[str] = requests.structures.CaseInsensitiveDict()
        for answer in (*response.history, response):
            headers.update(answer.headers)
        return Download(self.path, headers)

    def version(self) -> str:
        """Return the version of the partial file; empty if the download cannot continue from it."""
        try:
            url, version = self.note.read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError):
            return ""
        return version if url == self.url else ""

    def bytes_here(self) -> int:
        """Return the number of bytes on disk from which the download can continue."""
        return self.path.stat().st_size if self.version() and self.path.is_file() else 0

    def attempt(self, start: int) -> Response:
        """Request the file from byte `start` on, write it to disk and return the response."""
        import requests

        url, headers = self.url, self.headers
        if start:
            headers = {**headers, "Range": f"bytes={start}-", "If-Range": self.version()}
        options: dict[str, Any] = {
            "stream": True,
            "timeout": self.timeout,
            "hooks": {"response": _close_redirect},
        }
        response = self.within(partial(requests.get, url, headers=headers, **options))
        try:
            if start and not self.continues(response, start):
                self.note.unlink()  # the partial file does not belong to this file
                return self.attempt(0)
            if response.status_code != 200 and not (start and response.status_code == 206):
                raise DownloadError(f"{url} was answered with {response.status_code} {response.reason}")
            if url.startswith("https:") and not response.url.startswith("https:"):
                raise DownloadError(f"{url} leads to {response.url}, which is not encrypted: refused")
            if (encoding := response.headers.get("Content-Encoding", "identity")) != "identity":
                raise DownloadError(f"{url} comes encoded as {encoding}, which was not asked for: refused")
            start = start if response.status_code == 206 else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if re.fullmatch("[0-9]{1,18}", length) else None
            if total and (total != self.size if self.size else total > LARGEST):
                raise DownloadError(
                    f"{url} serves {total:,} bytes where {self.path.name} has {self.size or LARGEST:,}"
                    f"{': it is another file' if self.size else ' at most'}"
                )
            self.receive(response, start, total)
            return response
        finally:
            with suppress(AttributeError, OSError, RuntimeError, ValueError):  # the connection may have ended
                response.raw.shutdown()  # ends an abandoned read, which `close` would wait for
            response.close()

    def within(self, call: Callable[[], T]) -> T:
        """Run a network call with a total limit of 2 × `timeout`: libraries restart the timeout at every byte."""
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(call())
            except BaseException as error:
                result.set_exception(error)

        Thread(target=run, daemon=True).start()
        return result.result(2 * self.timeout)

    def continues(self, response: Response, start: int) -> bool:
        """Return whether a response, if partial, continues the file on disk."""
        if response.status_code != 206:
            return response.status_code != 416
        begins = re.match(r"bytes ([0-9]{1,18})-", response.headers.get("Content-Range", ""))
        return bool(begins and int(begins[1]) == start and _version(response) in ("", self.version()))

    def receive(self, response: Response, start: int, total: int | None) -> None:
        """Write the response's content to disk."""
        import requests

        if not start:
            self.path.unlink(missing_ok=True)  # before the note describes the next partial file
            self.note.write_text(f"{self.url}\n{_version(response)}", encoding="utf-8")
        done = start
        # A server slower than `_SLOWEST` exceeds the limit of `within` for such a part.
        size = min(round(2 * self.timeout * _SLOWEST), _LARGEST_PART)
        with self.path.open("ab" if start else "wb") as file:
            while chunk := self.within(partial(response.raw.read, size)):
                done += len(chunk)
                if done > (most := self.size or LARGEST):
                    self.note.unlink()
                    raise DownloadError(f"{self.url} serves more than the {most:,} bytes of {self.path.name}")
                file.write(chunk)
                self.progress(done, total)
        expected = total or self.size
        if done < expected:
            raise requests.ConnectionError(f"the answer ended after {done:,} of {expected:,} bytes")

    def failure(self, error: Exception, here: int) -> DownloadError:
        """Return the error for a failed download."""
        import requests
        from urllib3.exceptions import ReadTimeoutError

        reason = _reason(error)
        if isinstance(error, TimeoutError | requests.Timeout | ReadTimeoutError):
            reason = f"no answer within {self.timeout:g} s (--timeout), or one slower than {_SLOWEST:,} bytes a second"
        rest = f"; {here:,} bytes are kept and the next attempt goes on from there" if here else ""
        return DownloadError(f"cannot download {self.url}: {reason}{rest}")


def _close_redirect(response: Response, **_: object) -> None:
    """Close a redirect without reading its content, all of which requests would read."""
    if response.is_redirect:
        response.close()


def _version(response: Response) -> str:
    """Return what identifies this version of the file: a strong ETag, else the date."""
    etag = response.headers.get("ETag", "")
    return "" if etag.startswith("W/") else etag or response.headers.get("Last-Modified", "")


def _reason(error: BaseException) -> str:
    """Return the root cause of a requests error, whose own text contains object addresses."""
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split())[:200] or type(error).__name__
