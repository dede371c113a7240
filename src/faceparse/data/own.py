"""Published data sets have one label scheme; a user may name it, and no other."""

from __future__ import annotations

from pathlib import Path

from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme


def own_scheme(own: str, given: str | Path | Scheme | None, title: str) -> Scheme:
    """The data set's scheme.

    Raises:
        DataError: another one was named.
    """
    made = find_scheme(own)
    if given is not None and find_scheme(given) != made:
        raise DataError(
            f"{title}'s label maps are in scheme {own}, not {find_scheme(given).name}: say --data.scheme {own}; "
            f"labels are converted where needed"
        )
    return made
