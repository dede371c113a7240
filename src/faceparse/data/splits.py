"""Shares of a data set without split files, such as `0-80%` and `80-100%`, or `not-every-7` and `every-7`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from faceparse.errors import DataError

_SHARE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)%(?:@(\d{1,18}))?")

_EVERY = re.compile(r"(not-)?every-([1-9]\d{0,8})")


def is_share(split: str) -> bool:
    """Return whether a split's name is a share, such as `0-80%`, `0-80%@7` or `every-7`."""
    return (_SHARE.fullmatch(split) or _EVERY.fullmatch(split)) is not None


def take_share(
    names: Sequence[str], split: str, where: object = "data set", others: Sequence[str] = ()
) -> list[str]:
    """Return the names that belong to `all` or to a share, in the order of `names`.

    A share depends only on the names and on the seed after `@` (default 0): shares whose percentages do not
    overlap have no name in common, and `0-100%` has every name. `every-7` has the first name and every
    seventh name after it; `not-every-7` has all other names.

    >>> take_share(["a", "b", "c", "d"], "0-50%"), take_share(["a", "b", "c", "d"], "50-100%")
    (['b', 'c'], ['a', 'd'])
    >>> take_share(["a", "b", "c", "d"], "every-3"), take_share(["a", "b", "c", "d"], "not-every-3")
    (['a', 'd'], ['b', 'c'])

    Args:
        names: Names of all pictures.
        split: `all` or a share.
        where: The data set's name, for error messages.
        others: The data set's other splits, for error messages.

    Raises:
        DataError: neither `all` nor a share, percentages that do not ascend, or a share without a picture.
    """
    every, percent = _EVERY.fullmatch(split), _SHARE.fullmatch(split)
    if split == "all":
        members = list(names)
    elif every:
        members = [name for i, name in enumerate(names) if (i % int(every[2]) == 0) == (every[1] is None)]
    elif percent and 0 <= float(percent[1]) < float(percent[2]) <= 100:
        begin, end = (round(float(ratio) / 100 * len(names)) for ratio in percent.group(1, 2))
        seed = int(percent[3] or 0)
        shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
        share = set(shuffled[begin:end])
        members = [name for name in names if name in share]
    else:
        kinds = ", ".join((*others, "all", "LOW-HIGH% such as 0-80%", "every-N", "not-every-N"))
        raise DataError(f"{where}: no split {split!r}; there are {kinds}")
    if not members:
        raise DataError(f"{where}: split {split!r} of {len(names)} pictures is empty: take a larger share")
    return members
