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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.packed import Index, Packed
from faceparse.data.registry import register
from faceparse.errors import DataError, FaceparseError
from faceparse.files import json_bytes, open_regular
from faceparse.labels.archive import PARQUET_HEADER
from faceparse.registry import import_extra

NAME, IMAGE, LABELS = "name", "image", "labels"

LARGEST = 1 << 30
"""Largest unpacked size of a row group in bytes: one is in memory whenever a sample is read."""


import_pyarrow = partial(import_extra, "scale", "Parquet", "pyarrow", "pyarrow.parquet")


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a regular file as a `pyarrow.parquet.ParquetFile`.

    Raises:
        DataError: the file cannot be read, or reading fails in the block.
        MissingExtraError: pyarrow is not installed.
    """
    pa = import_pyarrow()
    try:
        open_regular(path).close()  # a pipe would be waited for
        with pa.parquet.ParquetFile(path, memory_map=True) as file:
            yield file
    except FaceparseError:
        raise
    except Exception as error:  # pyarrow raises several, among them OSError without strerror
        reason = getattr(error, "strerror", None) or str(error).strip().partition(". ")[0]
        raise DataError(f"cannot read {path} as Parquet: {reason}") from None


@register
class Parquet(Packed):
    """One split of a folder of Parquet files."""

    kind: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Parquet files with pictures, as `faceparse data pack --to parquet` writes them"
    ending: ClassVar[str] = ".parquet"

    @staticmethod
    def _scan(path: Path) -> Index:
        with open_parquet(path) as file:
            header = (file.schema_arrow.metadata or {}).get(PARQUET_HEADER, b"")
            absent = {NAME, IMAGE, LABELS} - set(file.schema_arrow.names)
            row_groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
            if any(group.total_byte_size > LARGEST for group in row_groups):
                raise DataError(f"{path} has row groups of more than {LARGEST:,} bytes: pack it again")
            sizes = [group.num_rows for group in row_groups]
            names = [] if absent else file.read([NAME], use_threads=False)[NAME].to_pylist()
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
        with open_parquet(path) as file:
            table = file.read_row_group(group, wanted, use_threads=False)
        values = {name: table[name][row].as_py() for name in wanted}
        return [
            json_bytes({name: values[name] for name in columns}) if part == "columns" else values[part]
            for part in parts
        ]
