"""Downloading one file over HTTP, going on where a broken download stopped.

>>> from pathlib import Path
>>> fetch_url("https://example.org/model.onnx", Path("staging"), "model.onnx")  # doctest: +SKIP
PosixPath('staging/model.onnx')

A download that broke off goes on only with the `ETag` or `Last-Modified` of its beginning (`If-Range`, RFC 9110,
section 13.1.5): what changed meanwhile comes whole. The caller compares the SHA-256.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from faceparse.errors import DownloadError, OutputError
from faceparse.version import __version__
from faceparse.weights.cache import CACHE_VARIABLE

if TYPE_CHECKING:
    from requests import Response

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and, where known, those of the whole file."""

TIMEOUT = 30.0
"""Seconds to wait for a connection, and for each next part of an answer."""

_CHUNK = 1 << 16
_TRIES = 5
_SLOWEST = 1024
"""Bytes a second under which a server counts as silent."""

_LOG = logging.getLogger("faceparse.weights")


def fetch_url(
    url: str,
    folder: Path,
    name: str,
    *,
    size: int = 0,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Path:
    """Download a file into a folder that is the caller's alone meanwhile.

    Args:
        url: Its address.
        folder: Where it is put; its beginning stays here when the download breaks off.
        name: Its file name.
        size: How many bytes it must have; 0 where that is not known.
        timeout: Seconds to wait for the server, each time.
        progress: Called with how far it is.

    Raises:
        DownloadError: the server is not there, says no, breaks off, or serves another number of bytes.
        OutputError: the folder cannot be written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _Transfer(url, folder / name, size, timeout, progress or (lambda done, total: None)).run()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write {folder / name}: {error.strerror or error}; {CACHE_VARIABLE} moves the cache"
        ) from error


@dataclass(frozen=True)
class _Transfer:
    url: str
    path: Path
    size: int
    timeout: float
    progress: Progress

    @property
    def note(self) -> Path:
        """Address and version of the file whose beginning lies at `path`; not there once that is whole."""
        return self.path.with_name(f".{self.path.name}.note")

    def run(self) -> Path:
        """Download the file in one or more attempts."""
        import requests
        from urllib3.exceptions import HTTPError

        for attempt in range(1, _TRIES + 1):
            before = self.bytes_here()
            try:
                self.attempt(before)
                break
            except (requests.RequestException, HTTPError) as error:
                here = self.bytes_here()
                if attempt == _TRIES or here <= before:
                    raise self.failure(error, here) from None
                _LOG.info("%s: broken off after %s bytes, going on: %s", self.url, f"{here:,}", _line(error))
        self.note.unlink(missing_ok=True)
        return self.path

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

    def attempt(self, start: int) -> None:
        """Ask for the file from `start` on and receive it."""
        import requests

        url = self.url
        headers = {"Accept-Encoding": "identity", "User-Agent": f"faceparse/{__version__}"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": self.version()}
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as response:
            if start and not self.continues(response, start):
                self.note.unlink()  # what is here is no beginning of that file after all
                return self.attempt(0)
            if response.status_code != 200 and not (start and response.status_code == 206):
                raise DownloadError(_refusal(url, response))
            if url.startswith("https:") and not response.url.startswith("https:"):
                raise DownloadError(f"{url} leads to {response.url}, which is not encrypted: refused")
            if (encoding := response.headers.get("Content-Encoding", "identity")) != "identity":
                raise DownloadError(f"{url} comes encoded as {encoding}, which was not asked for: refused")
            start = start if response.status_code == 206 else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            if total is not None:
                self.check_size(start, total)
            self.receive(response, start, total)
        return None

    def continues(self, response: Response, start: int) -> bool:
        """Whether an answer, if it is a partial one, is the rest of what is on disk."""
        if response.status_code != 206:
            return response.status_code != 416
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        return bool(begins and int(begins[1]) == start and _version(response) in ("", self.version()))

    def check_size(self, start: int, total: int) -> None:
        """Refuse a file if its size is not the card's or if it does not fit on the disk."""
        if self.size and total != self.size:
            raise DownloadError(
                f"{self.url} serves {total:,} bytes where {self.path.name} has {self.size:,}: it is another file"
            )
        free = shutil.disk_usage(self.path.parent).free
        if total - start > free:
            raise OutputError(
                f"no room for {self.path.name} in {self.path.parent}: {total - start:,} bytes are to come and "
                f"{free:,} are free; {CACHE_VARIABLE} moves the cache"
            )

    def receive(self, response: Response, start: int, total: int | None) -> None:
        """Write what comes."""
        import requests

        if not start:
            self.path.unlink(missing_ok=True)  # before the note says what the next beginning is of
            self.note.write_text(f"{self.url}\n{_version(response)}", encoding="utf-8")
        done, counted, since = start, start, monotonic()
        with self.path.open("ab" if start else "wb") as file:
            while chunk := response.raw.read1(_CHUNK):  # what has come, not waiting for more
                done += len(chunk)
                if self.size and done > self.size:
                    self.note.unlink()
                    raise DownloadError(
                        f"{self.url} serves more than the {self.size:,} bytes of {self.path.name}"
                    )
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

        if isinstance(error, requests.Timeout | ReadTimeoutError):
            reason = f"no answer within {self.timeout:g} s (--timeout), or one slower than {_SLOWEST:,} bytes a second"
        elif isinstance(error, requests.TooManyRedirects):
            reason = "the server redirects in a circle"
        else:
            reason = _line(error)
        rest = f"; {here:,} bytes are kept and the next attempt goes on from there" if here else ""
        return DownloadError(f"cannot download {self.url}: {reason}{rest}")


def _version(response: Response) -> str:
    """What names this very version of the file: a strong ETag, else its date."""
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return "" if etag else response.headers.get("Last-Modified", "")


def _refusal(url: str, response: Response) -> str:
    status = f"{response.status_code} {response.reason}"
    if response.status_code in (404, 410):
        return f"{url} is not there any more ({status}): the file was moved or withdrawn"
    if response.status_code in (401, 403):
        return f"{url} is not open to everyone ({status}): it may need an account or accepted terms there"
    if response.status_code == 429 or response.status_code >= 500:
        return f"{url} cannot be served just now ({status}): try again later"
    return f"{url} was answered with {status}"


def _line(error: BaseException) -> str:
    """The innermost reason of an error of requests, without its object representations."""
    inner = getattr(error, "reason", None) or next(
        (a for a in error.args if isinstance(a, BaseException)), None
    )
    if isinstance(inner, BaseException):
        return _line(inner)
    text = " ".join(str(error).split())
    return re.sub(r"^.*?object at 0x[0-9a-f]+>?[:,]? ?", "", text)[:200] or type(error).__name__
