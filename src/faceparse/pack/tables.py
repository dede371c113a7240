"""The table of `faceparse scale` as a source: run lengths back to label maps, pictures from the table or by their paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.data.packed import NO_SPLIT, NUMBER, TEXT, TRUTH
from faceparse.data.parquet import IMAGE, LABELS, NAME, open_parquet
from faceparse.errors import DataError
from faceparse.pack.folders import read_bytes
from faceparse.pack.source import Entry, Source
from faceparse.pictures.reader import LARGEST
from faceparse.scale.table import Header, check_schema
from faceparse.writers.runs import decode

_ROWS = 16
"""Rows in memory at a time; they may hold pictures."""

_UPWARD = re.compile(r"^(\w+://|/|\.{1,2}/)+")
"""Beginnings of keys, which are paths or addresses, that lead out of a folder."""

_OTHER = {"key", "path", "scheme", "error", NAME, IMAGE, LABELS}
"""Columns that are no values of a picture."""


def is_table(path: Path) -> bool:
    """Return whether the Parquet at a path is a table of results, not a packed data set."""
    return not {IMAGE, LABELS} <= set(_read_schema(_files(path)[0]).names)


def open_table(path: Path, images: Path | None) -> Source:
    """Return a table of `faceparse scale` as a source; its columns are the table's columns of numbers and texts.

    Args:
        path: A Parquet file, or a folder of them.
        images: Folder below which relative paths lie; None for the current folder.

    Raises:
        DataError: a file of another kind or version, or files of different schemes.
    """
    files = _files(path)
    headers: list[Header] = [check_schema(_read_schema(file), file) for file in files]
    for header, file in zip(headers, files, strict=True):
        if header.scheme != headers[0].scheme:
            raise DataError(f"{file} and {files[0]} are in different schemes: put them into two folders")
    columns = _columns(_read_schema(files[0]))

    def entries() -> Iterator[Entry]:
        wanted = [*columns, "key", "path", "width", "height", "masks", "error", "image"]
        for file in files:
            with open_parquet(file) as table:
                for batch in table.iter_batches(_ROWS, columns=[*dict.fromkeys(wanted)], use_threads=False):
                    for row in batch.to_pylist():
                        values = {
                            name: float(row[name]) if kind == NUMBER and row[name] is not None else row[name]
                            for name, kind in columns.items()
                        }
                        name = _UPWARD.sub("", row["key"])
                        fault = (row["error"] or "").replace(row["path"] or name, name)
                        yield Entry(name, NO_SPLIT, values, partial(_read_row, name, row, images), fault)

    count = 0
    for file in files:
        with open_parquet(file) as parquet:
            count += parquet.metadata.num_rows
    return Source(headers[0].scheme, columns, count, entries())


def _files(path: Path) -> list[Path]:
    return (
        [path] if path.is_file() else sorted(p for p in path.glob("*.parquet") if not p.name.startswith("."))
    )


def _read_schema(path: Path) -> Any:
    with open_parquet(path) as file:
        return file.schema_arrow


def _columns(schema: Any) -> dict[str, str]:
    import pyarrow.types as kinds

    columns = {}
    for field in schema:
        if kinds.is_integer(field.type) or kinds.is_floating(field.type):
            columns[field.name] = NUMBER
        elif kinds.is_string(field.type) or kinds.is_boolean(field.type):
            columns[field.name] = TRUTH if kinds.is_boolean(field.type) else TEXT
    return {name: kind for name, kind in columns.items() if name not in _OTHER}


def _read_row(name: str, row: Mapping[str, Any], images: Path | None) -> tuple[bytes, NDArray[np.uint8]]:
    size = row["height"] or 0, row["width"] or 0
    if not 0 < size[0] * size[1] <= LARGEST:
        raise DataError(f"{name} has a size of {size[1]}×{size[0]} px")
    image = row["image"]
    if image is None:
        if row["path"] is None:
            raise DataError(f"{name} has neither a picture nor a path in the table")
        image = read_bytes(Path(os.path.join(images or "", row["path"])), name)  # noqa: PTH118 (None or a folder)
    return image, decode([(mask["label"], mask["counts"]) for mask in row["masks"] or ()], size)
