"""Downloads one file over HTTP and continues a broken download where it stopped.

>>> from pathlib import Path
>>> fetch_url("https://example.org/model.onnx", Path("staging"), "model.onnx").path  # doctest: +SKIP
PosixPath('staging/model.onnx')

A download that broke off goes on only with the `ETag` or `Last-Modified` of its beginning (`If-Range`, RFC 9110,
section 13.1.5): what changed meanwhile comes whole. The caller compares the SHA-256.
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
from time import monotonic
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
"""Called with the bytes that are here and, where known, those of the whole file."""

TIMEOUT = 30.0
"""Seconds to wait for a connection, and for each next part of an answer."""

LARGEST = 1 << 34
"""Bytes of a file whose size no card states."""

_CHUNK = 1 << 18
_TRIES = 5
_SLOWEST = 1024
"""Bytes a second under which a server counts as silent."""

_LOG = logging.getLogger("faceparse.weights")


class Download(NamedTuple):
    """A downloaded file, and the headers of the server's answers, those before a redirect too."""

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
    """Download a file into a folder that is the caller's alone meanwhile.

    Args:
        url: Its address.
        folder: Where it is put; its beginning stays here when the download breaks off.
        name: Its file name.
        size: How many bytes it must have; 0 where that is not known.
        timeout: Seconds to wait for the server, each time; a day at most.
        progress: Called with how far it is.
        token: Says who asks, where the server wants to know; not sent on to where it redirects.

    Raises:
        DownloadError: a `timeout` out of range; the server is not there, says no, breaks off, or serves another number of bytes.
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
    url: str
    headers: Mapping[str, str]
    path: Path
    size: int
    timeout: float
    progress: Progress

    @property
    def note(self) -> Path:
        """Address and version of the file whose beginning lies at `path`; not there once that is whole."""
        return self.path.with_name(f".{self.path.name}.note")

    def run(self) -> Download:
        """Download the file in one or more attempts."""
        import requests
        from urllib3.exceptions import HTTPError

        attempt = 1
        while True:
            before = self.bytes_here()
            try:
                response = self.attempt(before)
                break
            except (requests.RequestException, HTTPError, ValueError) as error:  # ValueError: no address
                here = self.bytes_here()
                if attempt == _TRIES or here <= before:
                    raise self.failure(error, here) from None
                _LOG.info(
                    "%s: broken off after %s bytes, going on: %s", self.url, f"{here:,}", _reason(error)
                )
                attempt += 1
        self.note.unlink(missing_ok=True)
        headers: CaseInsensitiveDict[str] = requests.structures.CaseInsensitiveDict()
        for answer in (*response.history, response):
            headers.update(answer.headers)
        return Download(self.path, headers)

    def version(self) -> str:
        """The version of what is on disk; empty where the server cannot be asked to go on from it."""
        try:
            url, version = self.note.read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError):
            return ""
        return version if url == self.url else ""

    def bytes_here(self) -> int:
        """Bytes on disk that the server may be asked to go on from."""
        return self.path.stat().st_size if self.version() and self.path.is_file() else 0

    def attempt(self, start: int) -> Response:
        """Ask for the file from `start` on, receive it and return the answer."""
        import requests

        url, headers = self.url, self.headers
        if start:
            headers = {**headers, "Range": f"bytes={start}-", "If-Range": self.version()}
        options: dict[str, Any] = {"stream": True, "timeout": self.timeout, "hooks": {"response": _skip}}
        response = self.within(partial(requests.get, url, headers=headers, **options))
        try:
            if start and not self.continues(response, start):
                self.note.unlink()  # what is here is no beginning of that file after all
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
            with suppress(
                AttributeError, OSError, RuntimeError, ValueError
            ):  # of a connection that has ended
                response.raw.shutdown()  # ends a read that was given up, for which closing would wait
            response.close()

    def within(self, call: Callable[[], T]) -> T:
        """What a call of the network gives, soon: libraries wait for each byte as long as for a whole answer."""
        import requests

        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(call())
            except BaseException as error:
                result.set_exception(error)

        Thread(target=run, daemon=True).start()
        try:
            return result.result(2 * self.timeout)
        except TimeoutError:
            raise requests.Timeout from None

    def continues(self, response: Response, start: int) -> bool:
        """Whether an answer, if it is a partial one, is the rest of what is on disk."""
        if response.status_code != 206:
            return response.status_code != 416
        begins = re.match(r"bytes ([0-9]{1,18})-", response.headers.get("Content-Range", ""))
        return bool(begins and int(begins[1]) == start and _version(response) in ("", self.version()))

    def receive(self, response: Response, start: int, total: int | None) -> None:
        """Write what comes."""
        import requests

        if not start:
            self.path.unlink(missing_ok=True)  # before the note says what the next beginning is of
            self.note.write_text(f"{self.url}\n{_version(response)}", encoding="utf-8")
        done, counted, since = start, start, monotonic()
        with self.path.open("ab" if start else "wb") as file:
            # What has come, not waiting for more.
            while chunk := self.within(partial(response.raw.read1, _CHUNK)):
                done += len(chunk)
                if done > (most := self.size or LARGEST):
                    self.note.unlink()
                    raise DownloadError(f"{self.url} serves more than the {most:,} bytes of {self.path.name}")
                file.write(chunk)
                self.progress(done, total)
                if (seconds := monotonic() - since) > self.timeout:
                    if done - counted < _SLOWEST * seconds:
                        raise requests.Timeout
                    counted, since = done, monotonic()
        expected = total or self.size
        if done < expected:
            raise requests.ConnectionError(f"the answer ended after {done:,} of {expected:,} bytes")

    def failure(self, error: Exception, here: int) -> DownloadError:
        """The error of a download that is given up."""
        import requests
        from urllib3.exceptions import ReadTimeoutError

        reason = _reason(error)
        if isinstance(error, requests.Timeout | ReadTimeoutError):
            reason = f"no answer within {self.timeout:g} s (--timeout), or one slower than {_SLOWEST:,} bytes a second"
        rest = f"; {here:,} bytes are kept and the next attempt goes on from there" if here else ""
        return DownloadError(f"cannot download {self.url}: {reason}{rest}")


def _skip(response: Response, **_: object) -> None:
    """Leave unread what an answer that leads elsewhere holds: requests would read all of it."""
    if response.is_redirect:
        response.close()


def _version(response: Response) -> str:
    """What names this very version of the file: a strong ETag, else its date."""
    etag = response.headers.get("ETag", "")
    return "" if etag.startswith("W/") else etag or response.headers.get("Last-Modified", "")


def _reason(error: BaseException) -> str:
    """The first cause of an error of requests, whose own text has addresses of objects."""
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split())[:200] or type(error).__name__
