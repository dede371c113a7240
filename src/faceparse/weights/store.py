"""Download published weights once, check their SHA-256, and then read them without the network.

>>> from faceparse.weights import card, fetch
>>> fetch(card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
PosixPath('/home/you/.cache/faceparse/weights/bisenet-resnet18-yakhyo/resnet18.pt')

Each card has its own folder in the cache: the published file, the model file that faceparse makes from it,
and `records.json` with their hashes. No constructor downloads: a person requests a download by name (`fetch`,
`faceparse weights get`).
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faceparse.errors import DownloadError, OutputError
from faceparse.files import atomic, open_regular
from faceparse.weights import modelfile
from faceparse.weights.backbone import Published
from faceparse.weights.cache import CACHE_VARIABLE, OFFLINE_VARIABLE, is_offline, shelf
from faceparse.weights.contents import HEAD, foreign
from faceparse.weights.download import TIMEOUT, Progress, fetch_url
from faceparse.weights.hashing import sha256
from faceparse.weights.records import FileCheck, Record, check, expected_sha256, read_records, write_record
from faceparse.weights.terms import require

_LOG = logging.getLogger("faceparse.weights")


def published_path(card: Published) -> Path:
    """Return the path of a card's published file, in the package or the cache; it need not exist."""
    inside = modelfile.packaged().get(card.id)
    return inside or shelf(card.id, card.source.name)


def fetch(
    card: Published,
    *,
    accept_terms: bool = False,
    offline: bool | None = None,
    renew: bool = False,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Path:
    """Return the published file of a card; download it if it is missing.

    Args:
        card: Card of the file.
        accept_terms: Whether a person has read and accepted the card's terms; needed once if
            `card.licence.consent`.
        offline: Whether to forbid downloads; None to follow `FACEPARSE_OFFLINE`.
        renew: Whether to accept the file as published now although the record has another SHA-256; a SHA-256
            in the card still applies.
        timeout: Seconds to wait for each response of the server.
        progress: Called with the bytes on disk and the size of the whole file.

    Raises:
        TermsError: the terms were not accepted.
        DownloadError: offline, no address, an error of the server, or another file than expected.
        OutputError: the cache cannot be written, or the disk is full.
    """
    source, path = card.source, published_path(card)
    if card.id in modelfile.packaged():
        return path
    require(card, accept=accept_terms)
    if not renew and _is_here(card, path):
        return path
    by_hand = f"faceparse weights get {card.id} --from {source.name} takes a file that you have"
    if is_offline() if offline is None else offline:
        raise DownloadError(
            f"{path} is not there and faceparse is offline ({OFFLINE_VARIABLE} or --offline): it would come "
            f"from {source.origin}; {by_hand}"
        )
    if not source.address:
        raise DownloadError(
            f"{source.name} has no download address: get it from {source.origin}, then {by_hand}"
        )
    with _lock(path.parent):
        if not renew and _is_here(card, path):  # another process has downloaded it
            return path
        try:
            _download(card, path, renew, timeout, progress)
        except DownloadError as error:
            raise DownloadError(f"{error}; {by_hand}") from None
    return path


def add_file(card: Published, file: str | Path, *, accept_terms: bool = False) -> Path:
    """Copy a published file that a person has into the cache; check it like a download.

    Args:
        card: Card of the file.
        file: The file; never written to.
        accept_terms: As in `fetch`.

    Raises:
        TermsError: the terms were not accepted.
        DownloadError: no such file, or not the published one.
        OutputError: the cache cannot be written, or the disk is full.
    """
    source, path = Path(file), published_path(card)
    require(card, accept=accept_terms)
    try:
        open_regular(source).close()
    except OSError as error:
        raise DownloadError(f"cannot read {source}: {error.strerror}") from None
    with _lock(path.parent):
        with atomic(path, overwrite=True) as temporary:
            shutil.copyfile(source, temporary)
            digest = _check(card, temporary, str(source), expected_sha256(card, path))
        write_record(path.parent, path.name, Record(digest, path.stat().st_size, source.name))
    return path


def verify(card: Published) -> tuple[FileCheck, ...]:
    """Hash the files of a card on this machine and return them with the expected hashes.

    The result includes the published file even if it is missing. It is empty for a file in the package, which
    pip verifies.
    """
    path = published_path(card)
    if card.id in modelfile.packaged():
        return ()
    others = (path.parent / name for name in sorted(read_records(path.parent)) if name != path.name)
    files = [path, *(p for p in others if p.is_file())]
    return tuple(check(card, file, again=True) for file in files)


def _is_here(card: Published, path: Path) -> bool:
    state = check(card, path, again=True)
    if state.status == "unknown":  # its record was deleted: record the file again
        with suppress(OutputError):  # a read-only cache works without the record
            record = Record(state.actual, path.stat().st_size, card.source.origin)
            write_record(path.parent, path.name, record)
    elif state.status == "CHANGED":
        _LOG.warning(
            "%s is damaged (SHA-256 %s, not %s): getting it again", path, state.actual, state.expected
        )
    return state.status in ("ok", "unknown")


def _download(card: Published, path: Path, renew: bool, timeout: float, progress: Progress | None) -> None:
    source, staging = card.source, path.parent / ".download"
    token = os.environ.get("HF_TOKEN", "") if source.hub else ""
    new, headers = fetch_url(
        source.address, staging, path.name, size=source.size, timeout=timeout, progress=progress, token=token
    )
    try:
        digest = _check(card, new, source.origin, source.sha256 if renew else expected_sha256(card, path))
        hub_digest = headers.get("X-Linked-Etag", "").strip('"')
        # The Hub states a shorter hash for files outside its LFS.
        if len(hub_digest) == len(digest) and digest != hub_digest:
            raise DownloadError(f"{path.name} arrived damaged: SHA-256 {digest}, its Hub says {hub_digest}")
        revision = headers.get("X-Repo-Commit", "")
        record = Record(digest, new.stat().st_size, source.url or source.hub, revision)
        new.replace(path)
        write_record(path.parent, path.name, record)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check(card: Published, new: Path, origin: str, expected: str) -> str:
    """Return the SHA-256 of a new file after checking it against its name, card and record."""
    source = card.source
    with new.open("rb") as file:
        fault = foreign(file.read(HEAD), source.name)
    if fault is not None:
        raise DownloadError(f"{origin} is {fault}, not {source.name}")
    digest = sha256(new)
    if expected and digest != expected:
        than = "its card states" if source.sha256 else "the first download recorded"
        mend = "" if source.sha256 else f"; faceparse weights get {card.id} --renew accepts the new one"
        raise DownloadError(
            f"{origin} has another {source.name} than {than}: SHA-256 {digest}, not {expected}{mend}"
        )
    return digest


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time write to a cache folder; a process that dies releases the lock."""
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock").acquire()
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {folder}: {reason}; {CACHE_VARIABLE} moves the cache") from error
    with lock:
        yield
