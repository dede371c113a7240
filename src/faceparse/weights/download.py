"""Downloading one file over HTTP, going on where a broken download stopped.

>>> from pathlib import Path
>>> fetch_url("https://example.org/model.onnx", Path("staging"), "model.onnx")  # doctest: +SKIP
PosixPath('staging/model.onnx')

pooch keeps the order of things (a temporary file, its hash, then its place); it has no resuming, so the
transfer itself is a pooch downloader of ours. It asks for the rest of a file only with the `ETag` or
`Last-Modified` of its beginning (`If-Range`, RFC 9110, section 13.1.5): what changed meanwhile comes whole.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faceparse.errors import DownloadError, OutputError
from faceparse.weights.cache import CACHE_VARIABLE
from faceparse.weights.contents import HEAD, foreign

if TYPE_CHECKING:
    from requests import Response

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and, where known, those of the whole file."""

TIMEOUT = 30.0
"""Seconds to wait for a connection, and for each next part of an answer."""

_CHUNK = 1 << 16
_TRIES = 5
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
    transfer = _Transfer(folder, name, size, timeout, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left_behind in folder.glob("tmp*"):  # pooch's, of a process that was killed
            left_behind.unlink(missing_ok=True)
        with _quiet_pooch() as pooch:
            path = pooch.retrieve(
                url, known_hash=sha256 or None, fname=name, path=folder, downloader=transfer
            )
    except OutputError:
        raise
    except ValueError as error:  # pooch's, for another hash
        found = [h for h in re.findall(r"[0-9a-f]{64}", str(error)) if h != sha256]
        raise DownloadError(
            f"{url} served another file than expected: SHA-256 {''.join(found[:1])}, not {sha256}"
        ) from None
    except OSError as error:
        raise OutputError(
            f"cannot write {folder / name}: {error.strerror or error}; {CACHE_VARIABLE} moves the cache"
        ) from error
    return Path(path)


class _Meta(NamedTuple):
    """What the part of a file on disk is the beginning of."""

    url: str
    validator: str


class _Transfer:
    """A pooch downloader: `(url, output file, pooch)`."""

    def __init__(self, folder: Path, name: str, size: int, timeout: float, progress: Progress | None) -> None:
        self._name, self._size, self._timeout = name, size, timeout
        self._progress = progress or (lambda done, total: None)
        self._part = folder / f".{name}.part"
        self._meta = folder / f".{name}.part.json"

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        import requests

        for attempt in range(1, _TRIES + 1):
            before = self._kept(url)
            try:
                self._attempt(url, before)
                break
            except requests.RequestException as error:
                kept = self._kept(url)
                if not isinstance(error, _broken_off()) or attempt == _TRIES or kept <= before:
                    raise self._failed(url, error, kept) from None
                _LOG.info("%s: broken off after %s bytes, going on: %s", url, f"{kept:,}", _line(error))
        self._check(url)
        # Not a copy into pooch's temporary file, which its owner alone could read.
        self._part.replace(output_file)
        self._meta.unlink(missing_ok=True)

    def _kept(self, url: str) -> int:
        """Bytes on disk that the server may be asked to go on from."""
        try:
            meta = _Meta(**json.loads(self._meta.read_text(encoding="utf-8")))
            size = self._part.stat().st_size
        except (OSError, ValueError, TypeError):
            return 0
        return size if meta.url == url and meta.validator else 0

    def _attempt(self, url: str, start: int) -> None:
        with self._get(url, start) as response:
            if start and not self._goes_on(response, start):
                self._meta.unlink(missing_ok=True)  # what is here is no beginning of that file after all
                return self._attempt(url, 0)
            if response.status_code != 200 and not (start and response.status_code == 206):
                raise DownloadError(_refused(url, response))
            if url.startswith("https:") and not response.url.startswith("https:"):
                raise DownloadError(f"{url} leads to {response.url}, which is not encrypted: refused")
            start = start if response.status_code == 206 else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            self._check_room(url, start, total)
            self._receive(response, url, start, total)
        return None

    def _get(self, url: str, start: int) -> Response:
        import requests

        from faceparse.version import __version__

        headers = {"Accept-Encoding": "identity", "User-Agent": f"faceparse/{__version__}"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": self._validator()}
        return requests.get(url, headers=headers, stream=True, timeout=self._timeout)

    def _goes_on(self, response: Response, start: int) -> bool:
        """Whether an answer, if it is a partial one, is the rest of the part on disk."""
        if response.status_code != 206:
            return response.status_code != 416
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        return bool(begins and int(begins[1]) == start and _validator(response) in ("", self._validator()))

    def _validator(self) -> str:
        return str(json.loads(self._meta.read_text(encoding="utf-8"))["validator"])

    def _check_room(self, url: str, start: int, total: int | None) -> None:
        if total is None:
            return
        if self._size and total != self._size:
            raise DownloadError(
                f"{url} serves {total:,} bytes where {self._name} has {self._size:,}: it is another file"
            )
        free = shutil.disk_usage(self._part.parent).free
        if total - start > free:
            raise OutputError(
                f"no room for {self._name} in {self._part.parent}: {total - start:,} bytes are to come and "
                f"{free:,} are free; {CACHE_VARIABLE} moves the cache"
            )

    def _receive(self, response: Response, url: str, start: int, total: int | None) -> None:
        import requests

        if not start:
            self._part.unlink(missing_ok=True)  # before it is said what the next part is the beginning of
            meta = _Meta(url, _validator(response))
            self._meta.write_text(json.dumps(meta._asdict()), encoding="utf-8")
        done = start
        with self._part.open("ab" if start else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                self._progress(done, total)
        if total is not None and done < total:
            raise requests.ConnectionError(f"the answer ended after {done:,} of {total:,} bytes")

    def _check(self, url: str) -> None:
        with self._part.open("rb") as file:
            instead = foreign(file.read(HEAD), self._name)
        if instead is not None:
            self._part.unlink()
            raise DownloadError(f"{url} served {instead} in place of {self._name}")

    def _failed(self, url: str, error: Exception, kept: int) -> DownloadError:
        import requests
        from urllib3.exceptions import ReadTimeoutError  # what requests' ConnectionError wraps mid-way

        if isinstance(error, requests.Timeout) or any(isinstance(a, ReadTimeoutError) for a in error.args):
            reason = f"no answer within {self._timeout:g} s (--timeout)"
        elif isinstance(error, requests.TooManyRedirects):
            reason = "the server redirects in a circle"
        else:
            reason = _line(error)
        rest = f"; {kept:,} bytes are kept and the next attempt goes on from there" if kept else ""
        return DownloadError(f"cannot download {url}: {reason}{rest}")


def _broken_off() -> tuple[type[Exception], ...]:
    import requests

    return (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


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


class _PoochToOurLog(logging.Filter):
    """Takes what pooch says of our downloads off its logger, whose own handler prints, and onto ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get():
            _LOG.debug("%s", record.getMessage())
        return not _ours.get()


_ours: ContextVar[bool] = ContextVar("_ours", default=False)
_TO_OUR_LOG = _PoochToOurLog()


@contextmanager
def _quiet_pooch() -> Iterator[Any]:
    import pooch
    from pooch.utils import get_logger

    get_logger().addFilter(_TO_OUR_LOG)  # adding it again changes nothing
    token = _ours.set(True)
    try:
        yield pooch
    finally:
        _ours.reset(token)
