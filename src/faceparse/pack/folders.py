"""Folders as sources: data sets with `images/` and `labels/`, and the masks of `faceparse parse` with their photos."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from faceparse.data.folder import scan
from faceparse.data.packed import NO_SPLIT, NUMBER
from faceparse.data.record import folder_scheme
from faceparse.errors import DataError, LabelError
from faceparse.files import open_regular
from faceparse.folder import find_jobs
from faceparse.folder.manifest import recorded_schemes
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme
from faceparse.labels.registry import scheme_inside
from faceparse.pack.condition import Value
from faceparse.pack.source import Entry, Source
from faceparse.writers import WRITERS, Writer

_MASK, _JSON = "_mask.png", "_parsing.json"


def open_dataset(root: Path, scheme: str | None) -> Source:
    """Return a data set folder as a source; a picture in several splits is in the first of them.

    Raises:
        DataError, LabelError: as `FolderDataset`, but for a picture without label map, which is a fault of its entry.
    """
    layout = scan(root)
    split_of: dict[str, str] = {}
    for split in layout.splits:
        split_of |= dict.fromkeys(layout.read_split(split).stems, split) | split_of
    order = {split: i for i, split in enumerate(layout.splits)}
    images = sorted(layout.images.items(), key=lambda pair: order.get(split_of.get(pair[0], ""), len(order)))

    def entries() -> Iterator[Entry]:
        for stem, image in images:
            read = partial(_read_pair, image.name, image, layout.labels.get(stem))
            yield Entry(image.name, split_of.get(stem, NO_SPLIT), {}, read)
        for image in layout.clashes:
            fault = f"{image.name} shares its label map with another picture: rename one"
            yield Entry(image.name, NO_SPLIT, {}, partial(_read_pair, image.name, image, None), fault)

    return Source(folder_scheme(root, scheme), {}, len(images) + len(layout.clashes), entries())


def open_results(root: Path, images: Path | None, scheme: str | None) -> Source:
    """Return the masks of a run of `faceparse parse` and the photos as a source.

    With `--save mask,json` there are columns: `trust`, the least of a picture's faces; `size`, the longer side of the
    largest face's box in pixels; `faces`, their number.

    Args:
        root: The run's output folder.
        images: The run's input folder; None for `root`.
        scheme: Scheme of the masks; None for the one that the runs into `root` recorded.

    Raises:
        ConfigError: no picture in the folder.
        DataError: no scheme or several.
    """
    endings = [ending for kind in WRITERS.values() for ending in kind.endings]
    jobs = find_jobs([images or root], root, endings, recursive=True)
    with_json = any(Writer.beside(job.stem, _JSON).is_file() for job in jobs)

    def entries() -> Iterator[Entry]:
        for job in jobs:
            name = job.stem.relative_to(root).as_posix() + job.source.suffix.lower()
            values = _values(Writer.beside(job.stem, _JSON)) if with_json else {}
            read = partial(_read_pair, name, job.source, Writer.beside(job.stem, _MASK))
            yield Entry(name, NO_SPLIT, values, read, job.problem)

    columns = dict.fromkeys(("trust", "size", "faces"), NUMBER) if with_json else {}
    return Source(_scheme(root, scheme), columns, len(jobs), entries())


def _read_pair(name: str, image: Path, labels: Path | None) -> tuple[bytes, bytes]:
    if labels is None or not labels.is_file():
        raise DataError(f"{name} has no label map")
    return read_bytes(image, name), read_bytes(labels, f"label map of {name}")


def read_bytes(path: Path, name: str) -> bytes:
    """Read a regular file; raise a `DataError` with its name in the data set if this fails."""
    try:
        with open_regular(path) as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        raise DataError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None


def _scheme(root: Path, requested: str | None) -> Scheme:
    if requested is not None:
        return find_scheme(requested)
    names = recorded_schemes(root)
    try:
        (name,) = names
        return scheme_inside(name)
    except (ValueError, LabelError):
        recorded = f"its runs recorded {', '.join(sorted(names)[:3])}" if names else "no run recorded it"
        raise DataError(
            f"{root} does not say which label scheme its masks have, {recorded}: --scheme NAME"
        ) from None


def _values(path: Path) -> dict[str, Value]:
    """Return the values of the columns of a picture; none if its JSON is missing or damaged."""
    try:
        faces: Any = json.loads(read_bytes(path, path.name))["faces"]
        trusts = [float(face["trust"]) for face in faces if face["trust"] is not None]
        boxes = [[float(side) for side in face["box"]] for face in faces]
        sizes = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes]
    except (DataError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return {"trust": min(trusts, default=None), "size": max(sizes, default=None), "faces": len(faces)}
