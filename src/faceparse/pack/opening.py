"""Recognise the kind of a source by what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from faceparse.data.packed import Packed
from faceparse.data.parquet import Parquet
from faceparse.data.webdataset import WebDataset
from faceparse.errors import DataError
from faceparse.pack.condition import Value
from faceparse.pack.folders import open_dataset, open_results
from faceparse.pack.source import Entry, Source
from faceparse.pack.tables import is_table, open_table


def open_source(path: Path, images: Path | None, scheme: str | None) -> Source:
    """Open a source of labelled pictures, whatever form it has.

    Raises:
        DataError: no such source, or a damaged one.
    """
    if not path.exists():
        raise DataError(f"no such file or folder: {path}")
    for kind in (WebDataset, Parquet):
        if path.name.endswith(kind.ending) or (path.is_dir() and any(path.glob(f"*{kind.ending}"))):
            if kind is Parquet and is_table(path):
                return open_table(path, images)
            return _open_packed(kind, path, scheme)
    if (
        images is None
        and (path / "images").is_dir()
        and any((path / d).is_dir() for d in ("labels", "masks"))
    ):
        return open_dataset(path, scheme)
    return open_results(path, images, scheme)


def _open_packed(kind: type[Packed], path: Path, scheme: str | None) -> Source:
    data = kind(path, "all", scheme)

    def read(index: int) -> tuple[bytes, bytes]:
        image, labels = data.parts(index, "image", "labels")
        return image, labels

    def entries() -> Iterator[Entry]:
        for i in range(len(data)):
            values = _values(data.parts(i, "columns")[0], data.columns) if data.columns else {}
            yield Entry(data.relative_name(i), data.split(i), values, partial(read, i))

    return Source(data.scheme, data.columns, len(data), entries())


def _values(content: bytes, columns: Mapping[str, str]) -> dict[str, Value]:
    """Return the values of JSON that have their columns' types; none of damaged JSON."""
    values: dict[str, Value] = {}
    try:
        row = json.loads(content or "{}")
        for name, kind in columns.items():
            match kind, row.get(name):
                case "truth", bool() as value:
                    values[name] = value
                case "text", str() as value if value.isprintable():
                    values[name] = value
                case "number", int() | float() as value if not isinstance(value, bool):
                    values[name] = float(value)
    except (ValueError, AttributeError, OverflowError, RecursionError):
        return {}
    return values
