"""The record `dataset.json` of a prepared data set, and the data set's label scheme, which is never guessed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceparse.errors import DataError, LabelError
from faceparse.files import json_bytes, write_atomic
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme
from faceparse.labels.registry import scheme_inside
from faceparse.tables import read_file

RECORD = "dataset.json"


def read_record(root: Path) -> dict[str, Any]:
    """Read the record of a data set folder; return an empty record if there is none.

    Raises:
        DataError: `dataset.json` is not a JSON object.
    """
    file = root / RECORD
    raw = read_file(file, "record", DataError) if os.path.lexists(file) else {}
    if not isinstance(raw, dict):
        raise DataError(f"record {file}: expected a JSON object, got {type(raw).__name__}")
    return raw


def write_record(root: Path, record: Mapping[str, Any]) -> None:
    """Write or replace a data set folder's record, completely or not at all."""
    write_atomic(root / RECORD, json_bytes(record, indent=2) + b"\n")


def declared_scheme(declared: str | Scheme, requested: str | Path | Scheme | None, owner: str) -> Scheme:
    """Return the scheme that a data set declares; refuse another scheme from the user.

    Args:
        declared: Scheme of the data set's label maps.
        requested: The scheme that the user names, or None.
        owner: The data set or the file that declares the scheme, for the error message.

    Raises:
        DataError: the user names another scheme.
    """
    scheme = find_scheme(declared)
    if requested is not None and (other := find_scheme(requested)) != scheme:
        hint = f"give --data.scheme {scheme.name}; training and evaluation convert labels where they must"
        raise DataError(f"the label maps of {owner} are in scheme {scheme.name}, not {other.name}: {hint}")
    return scheme


def folder_scheme(root: Path, requested: str | Path | Scheme | None) -> Scheme:
    """Return the scheme of a folder's label maps: the one in the record, else the one that the user names.

    Raises:
        DataError: neither record nor user names a scheme, or they name different schemes.
        LabelError: no such scheme.
    """
    entry = read_record(root).get("scheme")
    if entry is None:
        if requested is None:
            hint = "name it with --data.scheme (data check: --scheme)"
            raise DataError(f"{root} does not say which label scheme it has: {hint}")
        return find_scheme(requested)
    try:
        scheme = scheme_inside(entry)
    except LabelError as error:
        raise DataError(f"{root / RECORD}: {error}") from None
    return declared_scheme(scheme, requested, str(root))
