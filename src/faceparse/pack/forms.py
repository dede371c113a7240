"""Forms of a packed data set: each function writes the pictures of one split into a folder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from faceparse.data.packed import NO_SPLIT, NUMBER, TEXT, TRUTH, make_header
from faceparse.data.painting import match_sizes
from faceparse.data.parquet import IMAGE, LABELS, NAME, import_pyarrow
from faceparse.data.webdataset import COLUMNS
from faceparse.data.webdataset import LABELS as LABELS_ENDING
from faceparse.files import json_bytes
from faceparse.labels.archive import PARQUET_HEADER, TAR_HEADER, to_key
from faceparse.pack.source import Item, Source
from faceparse.results import Parsing
from faceparse.writers.coco import write_joined
from faceparse.writers.forms.rle import JOINED, Rle

TAR_BYTES = 1 << 30
"""Bytes after which the next tar begins."""

FILE_ROWS, GROUP_ROWS, GROUP_BYTES = 1024, 16, 1 << 23
"""Rows of a Parquet file; rows and bytes of pictures after which the next row group begins. A sample is read with its
row group, and a file's footer with each sample, so both are small."""


def write_tars(folder: Path, split: str, items: Iterator[Item], source: Source) -> None:
    """Write tars in WebDataset's layout; see `faceparse.data.webdataset`."""
    number, tar = 0, None
    with ExitStack() as stack:
        for item in items:
            if tar is None or tar.offset >= TAR_BYTES:
                stack.close()
                tar = stack.enter_context(tarfile.open(folder / f"{split}-{number:05}.tar", "w"))
                number += 1
                _add(tar, TAR_HEADER, make_header(source.scheme, source.columns))
            stem, dot, suffix = item.name.rpartition(".")
            key = to_key(stem)
            _add(tar, key + dot + suffix, item.image)
            _add(tar, key + LABELS_ENDING, item.png)
            if source.columns:
                _add(tar, key + COLUMNS, json_bytes(item.columns))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
    tar.members = []  # type: ignore[attr-defined]  # which would hold an object for each file


def write_parquet(folder: Path, split: str, items: Iterator[Item], source: Source) -> None:
    """Write Parquet files with pictures; see `faceparse.data.parquet`."""
    pa = import_pyarrow()
    types = {NUMBER: pa.float64(), TEXT: pa.string(), TRUTH: pa.bool_()}
    fields = {NAME: pa.string(), IMAGE: pa.binary(), LABELS: pa.binary()}
    fields |= {name: types[kind] for name, kind in source.columns.items()}
    schema = pa.schema(fields, {PARQUET_HEADER: make_header(source.scheme, source.columns)})
    rows: list[Mapping[str, object]] = []
    number = count = size = 0

    def flush() -> None:
        nonlocal size
        writer.write_table(pa.Table.from_pylist(rows, schema))
        rows.clear()
        size = 0

    with ExitStack() as stack:
        for item in items:
            if count % FILE_ROWS == 0:
                if rows:
                    flush()
                stack.close()
                path = folder / f"{split}-{number:05}.parquet"
                writer = stack.enter_context(
                    pa.parquet.ParquetWriter(path, schema, compression="none", use_dictionary=False)
                )
                number += 1
            count += 1
            rows.append({**item.columns, NAME: item.name, IMAGE: item.image, LABELS: item.png})
            size += len(item.image)
            if len(rows) >= GROUP_ROWS or size >= GROUP_BYTES:
                flush()
        if rows:
            flush()


def write_coco(folder: Path, split: str, items: Iterator[Item], source: Source) -> None:
    """Write `images/`, and a mask for each class of each picture as run lengths into COCO's JSON."""

    def contents() -> Iterator[dict[str, Any]]:
        for item in items:
            path = folder / "images" / item.name
            _write(path, item.image)
            blank = np.broadcast_to(np.uint8(0), (*item.size, 3))  # takes no memory
            labels = match_sizes(blank, item.labels, "images")[1]
            parsing = Parsing.from_labels(blank, labels, source.scheme)
            yield {**Rle().record(parsing, path.name), "path": path}

    name = JOINED if split == NO_SPLIT else f"{split}.json"
    with (folder / name).open("wb") as file:
        write_joined(file, folder, contents())


def write_folder(folder: Path, split: str, items: Iterator[Item], source: Source) -> None:
    """Write a data set folder: `images/`, `masks/` and a file of the split; folders in names become `__`."""
    stems = []
    for item in items:
        name = item.name.replace("/", "__")
        stems.append(name.rpartition(".")[0])
        _write(folder / "images" / name, item.image)
        _write(folder / "masks" / f"{stems[-1]}.png", item.png)
    if split != NO_SPLIT:
        _write(folder / f"{split}.txt", "".join(f"{stem}\n" for stem in stems).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


FORMS: Mapping[str, Callable[[Path, str, Iterator[Item], Source], None]] = {
    "tars": write_tars,
    "parquet": write_parquet,
    "coco": write_coco,
    "folder": write_folder,
}
"""Name → function that writes the form."""
