"""Shares of a data set that has no split files, such as `0-80%` and `80-100%`, or `not-every-7` and `every-7`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from faceparse.errors import DataError

_SHARE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)%(?:@(\d+))?")

_EVERY = re.compile(r"(not-)?every-([1-9]\d{0,8})")


def is_share(split: str) -> bool:
    """Whether a split's name asks for a share, such as `0-80%`, `0-80%@7` or `every-7`."""
    return (_SHARE.fullmatch(split) or _EVERY.fullmatch(split)) is not None


def take_share(names: Sequence[str], split: str) -> list[str]:
    """The names that belong to `all` or to a share, in their order.

    Whether a name belongs to a share depends on the names and the seed after `@` (0) alone: shares that do
    not overlap have no name in common, and `0-100%` has every name. `every-7` is the first name and every seventh
    after it, `not-every-7` all others.

    >>> take_share(["a", "b", "c", "d"], "0-50%"), take_share(["a", "b", "c", "d"], "50-100%")
    (['b', 'c'], ['a', 'd'])
    >>> take_share(["a", "b", "c", "d"], "every-3"), take_share(["a", "b", "c", "d"], "not-every-3")
    (['a', 'd'], ['b', 'c'])

    Raises:
        DataError: not two percentages in ascending order.
    """
    if split == "all":
        return list(names)
    if every := _EVERY.fullmatch(split):
        return [name for i, name in enumerate(names) if (i % int(every[2]) == 0) == (every[1] is None)]
    match = _SHARE.fullmatch(split)
    low, high = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not match or not 0 <= low < high <= 100:
        raise DataError(
            f"a share of a data set is LOW-HIGH%, such as 0-80%, every-N or not-every-N; got {split!r}"
        )
    seed = int(match[3] or 0)
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    count = len(names)
    chosen = set(shuffled[round(low / 100 * count) : round(high / 100 * count)])
    return [name for name in names if name in chosen]
