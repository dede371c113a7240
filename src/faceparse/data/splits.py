"""Shares of a data set that has no split files, such as `0-80%` and `80-100%`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from faceparse.errors import DataError

_SHARE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)%(?:@(\d+))?")


def is_share(split: str) -> bool:
    """Whether a split's name asks for a share, such as `0-80%` or `0-80%@7`."""
    return _SHARE.fullmatch(split) is not None


def take_share(names: Sequence[str], split: str) -> list[str]:
    """The names that belong to `all` or to a share, in their order.

    Whether a name belongs to a share depends on the names and the seed after `@` (0) alone: shares that do
    not overlap have no name in common, and `0-100%` has every name.

    >>> take_share(["a", "b", "c", "d"], "0-50%"), take_share(["a", "b", "c", "d"], "50-100%")
    (['b', 'c'], ['a', 'd'])

    Raises:
        DataError: not two percentages in ascending order.
    """
    if split == "all":
        return list(names)
    match = _SHARE.fullmatch(split)
    low, high = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not match or not 0 <= low < high <= 100:
        raise DataError(f"a share of a data set is LOW-HIGH%, such as 0-80%; got {split!r}")
    seed = int(match[3] or 0)
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    count = len(names)
    chosen = set(shuffled[round(low / 100 * count) : round(high / 100 * count)])
    return [name for name in names if name in chosen]
