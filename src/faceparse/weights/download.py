"""Downloading one file over HTTP, going on where a broken download stopped.

>>> from pathlib import Path
>>> fetch_url("https://example.org/model.onnx", Path("staging"), "model.onnx")  # doctest: +SKIP
PosixPath('staging/model.onnx')

The file comes as a hidden part, whose SHA-256 is compared before it gets its name. A part that was broken off is
gone on from only with the `ETag` or `Last-Modified` of its beginning (`If-Range`, RFC 9110, section 13.1.5): what
changed meanwhile comes whole.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from faceparse.errors import DownloadError, OutputError
from faceparse.tables import build, parse
from faceparse.version import __version__
from faceparse.weights.cache import CACHE_VARIABLE
from faceparse.weights.contents import HEAD, foreign
from faceparse.weights.hashing import sha256 as file_sha256

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
    sha256: str = "",
    size: int = 0,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Path:
    """Download a file into a folder that is the caller's alone meanwhile.

    Args:
        url: Its address.
        folder: Where it is put; parts of it stay here when the download breaks off.
        name: Its file name.
        sha256: What it must hash to; empty where that is not known.
        size: How many bytes it must have; 0 where that is not known.
        timeout: Seconds to wait for the server, each time.
        progress: Told how far it is.

    Raises:
        DownloadError: the server is not there, says no, breaks off, or serves something else.
        OutputError: the folder cannot be written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = _Transfer(url, folder, name, size, timeout, progress).run()
        digest = file_sha256(part) if sha256 else ""
        if digest != sha256:
            part.unlink()
            raise DownloadError(f"{url} served another file than expected: SHA-256 {digest}, not {sha256}")
        return part.replace(folder / name)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write {folder / name}: {error.strerror or error}; {CACHE_VARIABLE} moves the cache"
        ) from error


@dataclass(frozen=True)
class _Note:
    """What the part of a file on disk is the beginning of."""

    url: str
    validator: str


class _Transfer:
    def __init__(
        self, url: str, folder: Path, name: str, size: int, timeout: float, progress: Progress | None
    ) -> None:
        self._url, self._name, self._size, self._timeout = url, name, size, timeout
        self._progress = progress or (lambda done, total: None)
        self._part = folder / f".{name}.part"
        self._note = folder / f".{name}.part.json"

    def run(self) -> Path:
        """Fetch the file in one or more attempts; where it lies."""
        import requests
        from urllib3.exceptions import HTTPError

        for attempt in range(1, _TRIES + 1):
            before = self._kept()
            try:
                self._attempt(before)
                break
            except (requests.RequestException, HTTPError) as error:
                kept = self._kept()
                if attempt == _TRIES or kept <= before:
                    raise self._failed(error, kept) from None
                _LOG.info("%s: broken off after %s bytes, going on: %s", self._url, f"{kept:,}", _line(error))
        with self._part.open("rb") as file:
            instead = foreign(file.read(HEAD), self._name)
        self._note.unlink(missing_ok=True)
        if instead is not None:
            self._part.unlink()
            raise DownloadError(f"{self._url} served {instead} in place of {self._name}")
        return self._part

    def _validator(self) -> str:
        """What names the version of the part on disk; empty where the server cannot be asked to go on from it."""
        try:
            note = build(_Note, parse(self._note.read_text(encoding="utf-8"), "JSON", "the note"))
        except (OSError, ValueError):
            return ""
        return note.validator if note.url == self._url else ""

    def _kept(self) -> int:
        """Bytes on disk that the server may be asked to go on from."""
        return self._part.stat().st_size if self._validator() and self._part.is_file() else 0

    def _attempt(self, start: int) -> None:
        url = self._url
        with self._get(start) as response:
            if start and not self._goes_on(response, start):
                self._note.unlink(missing_ok=True)  # what is here is no beginning of that file after all
                return self._attempt(0)
            if response.status_code != 200 and not (start and response.status_code == 206):
                raise DownloadError(_refused(url, response))
            if url.startswith("https:") and not response.url.startswith("https:"):
                raise DownloadError(f"{url} leads to {response.url}, which is not encrypted: refused")
            if (encoding := response.headers.get("Content-Encoding", "identity")) != "identity":
                raise DownloadError(f"{url} comes encoded as {encoding}, which was not asked for: refused")
            start = start if response.status_code == 206 else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            self._check_room(start, total)
            self._receive(response, start, total)
        return None

    def _get(self, start: int) -> Response:
        import requests

        headers = {"Accept-Encoding": "identity", "User-Agent": f"faceparse/{__version__}"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": self._validator()}
        return requests.get(self._url, headers=headers, stream=True, timeout=self._timeout)

    def _goes_on(self, response: Response, start: int) -> bool:
        """Whether an answer, if it is a partial one, is the rest of the part on disk."""
        if response.status_code != 206:
            return response.status_code != 416
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        return bool(begins and int(begins[1]) == start and _validator(response) in ("", self._validator()))

    def _check_room(self, start: int, total: int | None) -> None:
        if total is None:
            return
        if self._size and total != self._size:
            raise DownloadError(
                f"{self._url} serves {total:,} bytes where {self._name} has {self._size:,}: it is another file"
            )
        free = shutil.disk_usage(self._part.parent).free
        if total - start > free:
            raise OutputError(
                f"no room for {self._name} in {self._part.parent}: {total - start:,} bytes are to come and "
                f"{free:,} are free; {CACHE_VARIABLE} moves the cache"
            )

    def _receive(self, response: Response, start: int, total: int | None) -> None:
        import requests

        if not start:
            self._part.unlink(missing_ok=True)  # before it is said what the next part is the beginning of
            note = _Note(self._url, _validator(response))
            self._note.write_text(json.dumps(asdict(note)), encoding="utf-8")
        done, counted, since = start, start, monotonic()
        with self._part.open("ab" if start else "wb") as file:
            while chunk := response.raw.read1(_CHUNK):  # what has come, not waiting for more
                done += len(chunk)
                if self._size and done > self._size:
                    self._note.unlink()
                    raise DownloadError(
                        f"{self._url} serves more than the {self._size:,} bytes of {self._name}"
                    )
                file.write(chunk)
                self._progress(done, total)
                if (seconds := monotonic() - since) > self._timeout:
                    if done - counted < _SLOWEST * seconds:
                        raise requests.Timeout
                    counted, since = done, monotonic()
        whole = total or self._size
        if done < whole:
            raise requests.ConnectionError(f"the answer ended after {done:,} of {whole:,} bytes")

    def _failed(self, error: Exception, kept: int) -> DownloadError:
        import requests
        from urllib3.exceptions import ReadTimeoutError

        if isinstance(error, requests.Timeout | ReadTimeoutError):
            reason = f"no answer within {self._timeout:g} s (--timeout), or one slower than {_SLOWEST:,} bytes a second"
        elif isinstance(error, requests.TooManyRedirects):
            reason = "the server redirects in a circle"
        else:
            reason = _line(error)
        rest = f"; {kept:,} bytes are kept and the next attempt goes on from there" if kept else ""
        return DownloadError(f"cannot download {self._url}: {reason}{rest}")


def _validator(response: Response) -> str:
    """What names this very version of the file: a strong ETag, else its date."""
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return "" if etag else response.headers.get("Last-Modified", "")


def _refused(url: str, response: Response) -> str:
    status = f"{response.status_code} {response.reason}"
    if response.status_code in (404, 410):
        return f"{url} is not there any more ({status}): the file was moved or withdrawn"
    if response.status_code in (401, 403):
        return f"{url} is not open to everyone ({status}): it may need an account or accepted terms there"
    if response.status_code == 429 or response.status_code >= 500:
        return f"{url} cannot be served just now ({status}): try again later"
    return f"{url} was answered with {status}"


def _line(error: Exception) -> str:
    """The innermost reason of an error of requests, without its object representations."""
    reason: BaseException = error
    while True:
        inner = getattr(reason, "reason", None) or next(
            (a for a in reason.args if isinstance(a, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        reason = inner
    text = " ".join(str(reason).split())
    return re.sub(r"^.*?object at 0x[0-9a-f]+>?[:,]? ?", "", text)[:200] or type(reason).__name__
