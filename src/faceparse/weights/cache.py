"""The location of downloaded weights, and whether downloads are allowed.

>>> shelf("bisenet-resnet18-yakhyo")  # doctest: +SKIP
PosixPath('/home/you/.cache/faceparse/weights/bisenet-resnet18-yakhyo')
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from faceparse.errors import WeightsError

CACHE_VARIABLE = "FACEPARSE_CACHE"
"""Environment variable that sets the cache folder."""

OFFLINE_VARIABLE = "FACEPARSE_OFFLINE"
"""Environment variable that forbids every download, unless it is empty, 0, no or false."""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{,127}")


def cache_folder() -> Path:
    """Return the folder of downloaded weights, below `FACEPARSE_CACHE` or the user's cache folder."""
    moved = os.environ.get(CACHE_VARIABLE)
    if moved:
        return Path(moved).expanduser() / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("faceparse", appauthor=False) / "weights"


def shelf(model: str, *files: str) -> Path:
    """Return the path of a card's folder in the cache, or of a file in this folder; the path need not exist.

    Raises:
        WeightsError: an id or file name that could lead to another folder.
    """
    for name in (model, *files):
        if not _SAFE.fullmatch(name):
            rule = "letters, digits, dots, dashes and underscores, a letter or digit first, 128 at most"
            raise WeightsError(f"a card's id and its file's name have {rule}; got {name!r}")
    return cache_folder().joinpath(model, *files)


def is_offline() -> bool:
    """Return whether `FACEPARSE_OFFLINE` forbids every download."""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "no", "false")
