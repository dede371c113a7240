"""Where downloaded weights lie, and whether downloads are allowed.

>>> shelf("bisenet-resnet18-yakhyo")  # doctest: +SKIP
PosixPath('/home/you/.cache/faceparse/weights/bisenet-resnet18-yakhyo')
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from faceparse.errors import WeightsError

CACHE_VARIABLE = "FACEPARSE_CACHE"
"""Environment variable that moves the cache folder."""

OFFLINE_VARIABLE = "FACEPARSE_OFFLINE"
"""Environment variable that forbids every download, unless it is empty, 0, no or false."""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def cache_folder() -> Path:
    """The folder of downloaded weights: `FACEPARSE_CACHE`, or the user's cache folder of this system."""
    moved = os.environ.get(CACHE_VARIABLE)
    if moved:
        return Path(moved).expanduser() / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("faceparse", appauthor=False) / "weights"


def shelf(model: str) -> Path:
    """The folder of one card's files in the cache; it need not exist.

    Raises:
        WeightsError: an id that is no file name.
    """
    if not _SAFE.fullmatch(model):
        raise WeightsError(f"a card's id has letters, digits, dots, dashes and underscores, got {model!r}")
    return cache_folder() / model


def is_offline() -> bool:
    """Whether `FACEPARSE_OFFLINE` forbids every download."""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "no", "false")
