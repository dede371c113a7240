"""The store: published weights fetched once, held to their SHA-256, found again without the network.

>>> from faceparse.weights import card, fetch
>>> fetch(card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
PosixPath('/home/you/.cache/faceparse/weights/bisenet-resnet18-yakhyo/resnet18.pt')

Each card has a shelf, a folder of its own in the cache: the published file, the model file made from it,
and `records.json` with what they hash to. Nothing here is ever called by a constructor: a download is
asked for by name (`fetch`, `faceparse weights get`).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceparse.errors import DownloadError, OutputError
from faceparse.files import atomic
from faceparse.weights import modelfile
from faceparse.weights.cache import CACHE_VARIABLE, OFFLINE_VARIABLE, is_offline, shelf
from faceparse.weights.card import Source
from faceparse.weights.contents import HEAD, foreign
from faceparse.weights.download import TIMEOUT, Progress, fetch_url
from faceparse.weights.hashing import sha256
from faceparse.weights.hub import fetch_hub
from faceparse.weights.records import Record, read_records, write_record
from faceparse.weights.terms import Licensed, require

_LOG = logging.getLogger("faceparse.weights")


class Published(Licensed, Protocol):
    """A card of something published."""

    @property
    def source(self) -> Source:
        """Where it comes from."""
        ...


@dataclass(frozen=True)
class Checked:
    """What `verify` found of one file.

    Attributes:
        path: The file.
        expected: The SHA-256 that its card states or that was recorded; empty where neither is.
        found: The SHA-256 that it has; empty where there is no file.
    """

    path: Path
    expected: str
    found: str

    @property
    def holds(self) -> bool:
        """Whether the file is the one it should be."""
        return bool(self.found) and self.found == self.expected

    @property
    def status(self) -> str:
        """`ok`, `missing`, `unknown` where there is no SHA-256 to compare with, or `CHANGED`."""
        if not self.found:
            return "missing"
        return "ok" if self.holds else "CHANGED" if self.expected else "unknown"


def published_path(card: Published) -> Path:
    """Where the published file of a card lies, or would lie; a file in the package lies there."""
    inside = modelfile.packaged().get(card.id)
    return inside or shelf(card.id) / card.source.name


def fetch(
    card: Published,
    *,
    accept_terms: bool = False,
    offline: bool | None = None,
    renew: bool = False,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Path:
    """The published file of a card, downloaded where it is not here yet.

    Args:
        card: Whose file.
        accept_terms: A person has read the card's terms and accepts them; needed once where
            `card.licence.consent` says so.
        offline: Never touch the network; None for what `FACEPARSE_OFFLINE` says.
        renew: Take the file as it is published now, where no card states its SHA-256 and it is another one
            than was recorded.
        timeout: Seconds to wait for the server, each time.
        progress: Told the bytes that are here and those of the whole file.

    Raises:
        TermsError: the terms were not accepted.
        DownloadError: offline, nothing to download from, the server's fault, or another file than expected.
        OutputError: the cache cannot be written, or the disk is full.
        MissingExtraError: the file is on a Hub and huggingface_hub is not installed.
    """
    path = published_path(card)
    if card.id in modelfile.packaged():
        return path
    require(card, accept=accept_terms)
    if not renew and _is_here(card, path):
        return path
    if is_offline() if offline is None else offline:
        raise DownloadError(
            f"{path} is not there and faceparse is offline ({OFFLINE_VARIABLE} or --offline): it would come "
            f"from {card.source.origin}; {_by_hand(card)}"
        )
    if not card.source.url and not card.source.hub:
        raise DownloadError(
            f"{card.source.name} has no address that a program can fetch: get it from {card.source.origin}, "
            f"then {_by_hand(card)}"
        )
    with _lock(path.parent):
        if not renew and _is_here(card, path):  # another process was faster
            return path
        try:
            return _download(card, path, renew, timeout, progress)
        except DownloadError as error:
            mend = "" if "weights get" in str(error) else f"; {_by_hand(card)}"
            raise DownloadError(f"{error}{mend}") from None


def adopt(card: Published, file: str | Path, *, accept_terms: bool = False) -> Path:
    """Put a published file that a person got elsewhere into the cache; checked like a download.

    Args:
        card: Whose file it is.
        file: The file; copied, never written to.
        accept_terms: As for `fetch`.

    Raises:
        TermsError: the terms were not accepted.
        DownloadError: no such file, or not the published one.
        OutputError: the cache cannot be written, or the disk is full.
    """
    source, path = Path(file), published_path(card)
    require(card, accept=accept_terms)
    try:
        with source.open("rb") as opened:
            instead = foreign(opened.read(HEAD), card.source.name)
    except OSError as error:
        raise DownloadError(f"cannot read {source}: {error.strerror}") from None
    if instead is not None:
        raise DownloadError(f"{source} is {instead}, not {card.source.name}")
    with _lock(path.parent):
        with atomic(path, overwrite=True, make_folder=True) as temporary:
            shutil.copyfile(source, temporary)
            digest = sha256(temporary)
            expected = _expected(card, path)
            if expected and digest != expected:
                raise DownloadError(
                    f"{source} is not the {card.source.name} of {card.id}: SHA-256 {digest}, not {expected}"
                )
        write_record(path.parent, path.name, Record(digest, path.stat().st_size, source.name))
    return path


def verify(card: Published) -> tuple[Checked, ...]:
    """Hash the files of a card that are here, and say what they should be.

    The published file is always among them, here or not, unless it is in the package, whose files are
    pip's to look after.
    """
    path = published_path(card)
    if card.id in modelfile.packaged():
        return ()
    records = read_records(path.parent)
    made = (path.parent / name for name in sorted(records) if name != path.name)
    files = [path, *(p for p in made if p.is_file())]
    return tuple(Checked(p, _expected(card, p), sha256(p) if p.is_file() else "") for p in files)


def _expected(card: Published, path: Path) -> str:
    stated = card.source.sha256 if path.name == card.source.name else ""
    record = read_records(path.parent).get(path.name)
    return stated or (record.sha256 if record else "")


def _is_here(card: Published, path: Path) -> bool:
    if not path.is_file():
        return False
    expected, found = _expected(card, path), sha256(path)
    if not expected:  # its record was deleted: it counts as what came first
        with suppress(OutputError):  # a cache that is read-only is as good
            write_record(path.parent, path.name, Record(found, path.stat().st_size, card.source.origin))
    elif found != expected:
        _LOG.warning("%s is damaged (SHA-256 %s, not %s): getting it again", path, found, expected)
        return False
    return True


def _download(card: Published, path: Path, renew: bool, timeout: float, progress: Progress | None) -> Path:
    source, staging = card.source, path.parent / ".download"
    revision, told = "", ""
    if source.hub:
        got = fetch_hub(source, staging, timeout=timeout, progress=progress)
        new, revision, told = got.path, got.revision, got.sha256
    else:
        new = fetch_url(
            source.url,
            staging,
            path.name,
            sha256=source.sha256,
            size=source.size,
            timeout=timeout,
            progress=progress,
        )
    try:
        digest = sha256(new)
        _compare(card, new, digest, told, "" if renew else _expected(card, path))
        record = Record(digest, new.stat().st_size, source.url or source.hub, revision)
        new.replace(path)
        write_record(path.parent, path.name, record)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return path


def _compare(card: Published, new: Path, digest: str, told: str, expected: str) -> None:
    source = card.source
    with new.open("rb") as file:
        instead = foreign(file.read(HEAD), source.name)
    if instead is not None:
        raise DownloadError(f"{source.origin} served {instead} in place of {source.name}")
    if told and digest != told:
        raise DownloadError(f"{source.name} came damaged: SHA-256 {digest}, not {told} as its Hub says")
    stated = source.sha256 or expected
    if stated and digest != stated:
        than = "its card says" if source.sha256 else "was recorded when it first came"
        mend = "" if source.sha256 else f"; faceparse weights get {card.id} --renew takes the new one"
        raise DownloadError(
            f"{source.origin} served another {source.name} than {than}: SHA-256 {digest}, not {stated}{mend}"
        )


def _by_hand(card: Published) -> str:
    return f"faceparse weights get {card.id} --from {card.source.name} takes a file that you have"


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One process at a time writes to a shelf; the lock of a process that dies is free."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _LOG.info("%s is in use by another process: waiting", folder)
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {folder}: {reason}; {CACHE_VARIABLE} moves the cache") from error
    try:
        yield
    finally:
        lock.release()
