"""Files on the Hugging Face Hub, through its own client (extra `hub`).

>>> fetch_hub(card.source, Path("staging"))  # doctest: +SKIP
HubFile(path=PosixPath('staging/…/model_299.pt'), revision='9f2c…')
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from faceparse.errors import DownloadError, MissingExtraError, OutputError
from faceparse.weights.cache import CACHE_VARIABLE
from faceparse.weights.card import Source
from faceparse.weights.download import TIMEOUT, Progress
from faceparse.weights.hashing import sha256


class HubFile(NamedTuple):
    """A downloaded file, and the commit that it is of."""

    path: Path
    revision: str


def fetch_hub(
    source: Source, folder: Path, *, timeout: float = TIMEOUT, progress: Progress | None = None
) -> HubFile:
    """Download a file into a folder that is the caller's alone meanwhile; a broken download goes on.

    The client's own settings hold: `HF_ENDPOINT` for another address, `HF_TOKEN` for files behind an account.

    Raises:
        MissingExtraError: huggingface_hub is not installed.
        DownloadError: no such repository, revision or file, no access to it, no Hub, or a damaged file.
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
        path = Path(
            hub.hf_hub_download(
                source.hub,
                source.file,
                revision=about.commit_hash or source.revision or None,
                local_dir=folder,
                endpoint=endpoint,
                etag_timeout=timeout,
                tqdm_class=_reporter(progress),
            )
        )
    except Exception as error:  # httpx's, the client's own, and OSError, without a common base
        if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
            raise OutputError(
                f"cannot write {folder}: {error.strerror}; {CACHE_VARIABLE} moves the cache"
            ) from error
        where = f"{source.file} of {source.hub} on the Hub"
        raise DownloadError(f"cannot download {where}: {_reason(error, source)}") from error
    etag = about.etag or ""
    if (
        len(etag) == 64 and (digest := sha256(path)) != etag
    ):  # files outside LFS have another hash as their ETag
        path.unlink()
        raise DownloadError(f"{path.name} came damaged: SHA-256 {digest}, not {etag} as its Hub says")
    return HubFile(path, about.commit_hash or "")


def _reason(error: Exception, source: Source) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return (
            f"it is behind an account: accept its terms at https://huggingface.co/{source.hub}, then set "
            "HF_TOKEN or run hf auth login"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return "there is no such repository, or it needs an account (HF_TOKEN)"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"there is no revision {source.revision}"
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return "there is no such file"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _reporter(progress: Progress | None) -> Any:
    """A tqdm that draws nothing and reports instead."""
    from tqdm import tqdm

    class Reporter(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.n += int(n or 0)
            if progress is not None:
                progress(self.n, self.total)
            return None

    return Reporter
