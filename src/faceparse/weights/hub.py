"""Files on the Hugging Face Hub, through its own client (extra `hub`).

>>> fetch_hub(card.source, Path("staging"))  # doctest: +SKIP
HubFile(path=PosixPath('staging/…/model_299.pt'), revision='9f2c…', sha256='…')
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from faceparse.errors import DownloadError, MissingExtraError, OutputError
from faceparse.weights.cache import CACHE_VARIABLE
from faceparse.weights.card import Source
from faceparse.weights.download import TIMEOUT, Progress


class HubFile(NamedTuple):
    """A file as the Hub gave it.

    Attributes:
        path: Where it lies.
        revision: The commit that it is of.
        sha256: What the Hub says it hashes to; empty where it does not say (files outside LFS).
    """

    path: Path
    revision: str
    sha256: str


def fetch_hub(
    source: Source, folder: Path, *, timeout: float = TIMEOUT, progress: Progress | None = None
) -> HubFile:
    """Download a file into a folder that is the caller's alone meanwhile; a broken download goes on.

    The client's own settings hold: `HF_ENDPOINT` for another address, `HF_TOKEN` for files behind an account.

    Raises:
        MissingExtraError: huggingface_hub is not installed.
        DownloadError: no such repository, revision or file, no access to it, or no Hub.
        OutputError: the folder cannot be written.
    """
    try:
        import huggingface_hub as hub
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            error.name or "huggingface_hub", "hub", f"{source.hub} on the Hugging Face Hub"
        ) from None
    endpoint = os.environ.get("HF_ENDPOINT") or None
    try:
        url = hub.hf_hub_url(source.hub, source.file, revision=source.revision or None, endpoint=endpoint)
        about = hub.get_hf_file_metadata(url, timeout=timeout, endpoint=endpoint)
        path = hub.hf_hub_download(
            source.hub,
            source.file,
            revision=about.commit_hash or source.revision or None,
            local_dir=folder,
            endpoint=endpoint,
            etag_timeout=timeout,
            tqdm_class=_reporter(progress),
        )
    except hub.errors.GatedRepoError:
        raise DownloadError(
            f"{source.hub} on the Hub is behind an account: accept its terms at "
            f"https://huggingface.co/{source.hub}, then set HF_TOKEN or run hf auth login"
        ) from None
    except Exception as error:  # httpx's, the client's own, and OSError, without a common base
        raise _said(error, source, folder) from error
    etag = about.etag or ""
    return HubFile(Path(path), about.commit_hash or "", etag if len(etag) == 64 else "")


def _said(error: Exception, source: Source, folder: Path) -> DownloadError | OutputError:
    from huggingface_hub import errors

    where = f"{source.file} of {source.hub} on the Hub"
    if isinstance(error, errors.RepositoryNotFoundError):
        reason = "there is no such repository, or it needs an account (HF_TOKEN)"
    elif isinstance(error, errors.RevisionNotFoundError):
        reason = f"there is no revision {source.revision}"
    elif isinstance(error, errors.EntryNotFoundError) and not isinstance(
        error, errors.LocalEntryNotFoundError
    ):
        reason = "there is no such file"
    elif isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return OutputError(f"cannot write {folder}: {error.strerror}; {CACHE_VARIABLE} moves the cache")
    else:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DownloadError(f"cannot download {where}: {reason}")


def _reporter(progress: Progress | None) -> Any:
    """A tqdm that draws nothing and reports instead."""
    from tqdm import tqdm

    class Reporter(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                super().__init__(*args, **{**kwargs, "file": nowhere, "disable": True})
            self._done = kwargs.get("initial", 0) or 0
            self._total = kwargs.get("total")

        def update(self, n: float | None = 1) -> bool | None:
            self._done += int(n or 0)
            if progress is not None:
                progress(self._done, self._total)
            return None

    return Reporter
