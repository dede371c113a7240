"""Parquet files with pictures and label maps, as `faceparse data pack --to parquet` writes them (extra `scale`).

>>> train = Parquet("faces", "train")  # doctest: +SKIP
>>> train[0].image.shape, train[0].labels.shape  # doctest: +SKIP
((512, 512, 3), (512, 512))

Layout::

    ROOT/SPLIT-00000.parquet    metadata `faceparse`: scheme and columns
        name                    text, such as sub/0.jpg
        image, labels           encoded picture; label map as PNG, pixel value = label
        …                       further columns: numbers, texts, truth values

A sample is read with its row group, so these are small: at most 16 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.packed import Index, Packed
from faceparse.data.registry import register
from faceparse.errors import DataError, MissingExtraError
from faceparse.files import json_bytes

HEADER = b"faceparse"
"""Key of the header in a file's metadata."""

NAME, IMAGE, LABELS = "name", "image", "labels"


def import_pyarrow() -> Any:
    """Import pyarrow, with its module `parquet`.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise MissingExtraError("pyarrow", "scale", "Parquet") from None
    return pyarrow


@register
class Parquet(Packed):
    """One split of a folder of Parquet files."""

    kind: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Parquet files with pictures, as `faceparse data pack --to parquet` writes them"
    ending: ClassVar[str] = ".parquet"

    @staticmethod
    def _scan(path: Path) -> Index:
        pa = import_pyarrow()
        try:
            with pa.parquet.ParquetFile(path, memory_map=True) as file:
                header = (file.schema_arrow.metadata or {}).get(HEADER, b"")
                absent = {NAME, IMAGE, LABELS} - set(file.schema_arrow.names)
                sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
                names = [] if absent else file.read([NAME], use_threads=False)[NAME].to_pylist()
        except Exception as error:  # pyarrow raises several, among them OSError without strerror
            raise DataError(
                f"cannot read {path} as Parquet: {str(error).strip().partition('. ')[0]}"
            ) from None
        if absent:
            lacks = " and ".join(sorted(absent))
            raise DataError(
                f"{path} is no packed data set, for it lacks {lacks}: faceparse data pack makes one of results"
            )
        groups = np.repeat(np.arange(len(sizes)), sizes)
        rows = np.concatenate([np.arange(size) for size in sizes]) if sizes else groups
        return Index(header, list(map(str, names)), np.stack([groups, rows], 1))

    def _read(self, path: Path, place: NDArray[np.int64], parts: Sequence[str]) -> list[bytes]:
        columns = list(self.columns) if "columns" in parts else []
        wanted = [part for part in parts if part != "columns"] + columns
        group, row = place.tolist()
        with import_pyarrow().parquet.ParquetFile(path, memory_map=True) as file:
            table = file.read_row_group(group, wanted, use_threads=False)
        values = {name: table[name][row].as_py() for name in wanted}
        return [
            json_bytes({name: values[name] for name in columns}) if part == "columns" else values[part]
            for part in parts
        ]
