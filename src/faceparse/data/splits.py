"""Parts of a data set that has no split files, as `0-80%` and `80-100%`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from faceparse.errors import DataError

_PART = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)%(?:@(\d+))?")


def is_part(split: str) -> bool:
    """Whether a split's name asks for a part, such as `0-80%` or `0-80%@7`."""
    return _PART.fullmatch(split) is not None


def part(names: Sequence[str], split: str) -> list[str]:
    """That part of the names, in the given order.

    Which names fall into it depends on the names and the seed after `@` (0) alone: parts that do not
    overlap share nothing, and `0-100%` is everything.

    >>> part(["a", "b", "c", "d"], "0-50%"), part(["a", "b", "c", "d"], "50-100%")
    (['b', 'd'], ['a', 'c'])

    Raises:
        DataError: not two percentages in ascending order.
    """
    found = _PART.fullmatch(split)
    low, high = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    if not found or not 0 <= low < high <= 100:
        raise DataError(f"a part of a data set is LOW-HIGH%, such as 0-80%; got {split!r}")
    seed = int(found[3] or 0)
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    count = len(names)
    chosen = set(shuffled[round(low / 100 * count) : round(high / 100 * count)])
    return [name for name in names if name in chosen]
