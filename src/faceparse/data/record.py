"""What a prepared data set says of itself: `dataset.json` beside its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceparse.data.reading import read_text
from faceparse.errors import DataError, LabelError
from faceparse.files import atomic
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme

RECORD = "dataset.json"


def read_record(root: Path) -> dict[str, Any]:
    """The record of a data set folder; empty where it has none.

    Raises:
        DataError: a record that is not one.
    """
    file = root / RECORD
    if not file.is_file():
        return {}
    try:
        raw = json.loads(read_text(file))
    except ValueError as error:
        raise DataError(f"{file} is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise DataError(f"{file} is not the record of a data set: expected an object")
    return raw


def write_record(root: Path, record: Mapping[str, Any]) -> None:
    """Write or replace a data set folder's record, whole or not at all."""
    with atomic(root / RECORD, overwrite=True) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def settle_scheme(root: Path, given: str | Path | Scheme | None) -> Scheme:
    """The scheme of a folder's label maps: what its record says, or what the user says; never guessed.

    Raises:
        DataError: neither says it, or they disagree.
        LabelError: no such scheme.
    """
    recorded = read_record(root).get("scheme")
    if recorded is None and given is None:
        raise DataError(
            f"{root} does not say which label scheme it has: name it with --data.scheme (data check: --scheme)"
        )
    if recorded is None:
        return find_scheme(given)  # type: ignore[arg-type]  # not None, as above
    try:
        own = find_scheme(recorded)
    except (LabelError, TypeError) as error:
        raise DataError(f"{root / RECORD}: {error}") from None
    if given is not None and find_scheme(given) != own:
        raise DataError(
            f"{root / RECORD} says that the label maps are in scheme {own.name!r}, not "
            f"{find_scheme(given).name!r}: say --data.scheme {own.name}; labels are converted where needed"
        )
    return own
