"""The record of a prepared data set: `dataset.json` beside its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceparse.data.reading import read_text
from faceparse.errors import DataError
from faceparse.files import atomic

RECORD = "dataset.json"


def read_record(root: Path) -> dict[str, Any]:
    """The record of a data set folder; empty where it has none.

    Raises:
        DataError: `dataset.json` is not a JSON object.
    """
    file = root / RECORD
    if not file.is_file():
        return {}
    try:
        raw = json.loads(read_text(file))
    except ValueError as error:
        raise DataError(f"{file} is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise DataError(
            f"{file} is not the record of a data set: expected a JSON object, got {type(raw).__name__}"
        )
    return raw


def write_record(root: Path, record: Mapping[str, Any]) -> None:
    """Write or replace a data set folder's record, whole or not at all."""
    with atomic(root / RECORD, overwrite=True) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
