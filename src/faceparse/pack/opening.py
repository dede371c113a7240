"""Recognise the kind of a source by what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faceparse.data.packed import Packed
from faceparse.data.parquet import Parquet
from faceparse.data.webdataset import WebDataset
from faceparse.errors import DataError
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
            values = json.loads(data.parts(i, "columns")[0] or "{}") if data.columns else {}
            yield Entry(data.relative_name(i), data.split(i), values, partial(read, i))

    return Source(data.scheme, data.columns, len(data), entries())
