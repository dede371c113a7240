"""The table of parsings: one row a picture, with masks as COCO's run lengths; its schema, and its check on reading.

>>> import faceparse
>>> row = to_row("a.jpg", faceparse.parse("a.jpg"))  # doctest: +SKIP
>>> row["trust"], row["size"], [mask["name"] for mask in row["masks"]]  # doctest: +SKIP
(0.93, 212.5, ['background', 'skin', 'l_brow', ...])

Columns, null where `error` says why the picture has no parsing::

    key                 name of the picture, unique in the table
    path                where the picture can be read again; null if it was bytes
    width, height       pixels
    faces               list: box (x0, y0, x1, y1), score, trust, landmarks (x, y of 5 points),
                        areas (list: class name, pixels nearest to this face)
    trust               the least `Face.trust` of the picture; null without a face
    size                longer side of the largest face's box, pixels; null without a face
    masks               list: name, label, pixels, box (x0, y0, x1, y1, the last two excluded) and counts
                        of each class that occurs, background too; pixels in no mask are ignored (255)
    scheme, model, sha256, engine
    error               why there is no parsing; else null
    image               the picture's encoded bytes, if they are kept; else null

`counts` is the text of COCO's compressed run lengths: pycocotools decodes `{"size": [height, width],
"counts": counts}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from faceparse.errors import DataError
from faceparse.labels import Scheme, count
from faceparse.labels.archive import PARQUET_HEADER, read_header, write_header
from faceparse.labels.registry import scheme_inside
from faceparse.registry import import_extra
from faceparse.results import Parsing
from faceparse.results.nearest import nearest_box
from faceparse.tables import convert
from faceparse.writers.runs import encode

KIND = "parsings"
"""What a table's header says it holds."""

FORMAT = 1
"""Version of the columns; a reader takes no other."""

COLUMNS = (
    "key", "path", "width", "height", "faces", "trust", "size", "masks", "scheme", "model", "sha256", "engine",
    "error", "image",
)  # fmt: skip

import_pyarrow = partial(
    import_extra, "scale", "a table or address", "pyarrow", "pyarrow.fs", "pyarrow.parquet"
)

Row = dict[str, Any]
"""One picture's values by column, as plain Python values."""


class Header(NamedTuple):
    """What a file of parsings says of itself.

    Attributes:
        scheme: Scheme of the masks.
        identity: Model, options and version on which the rows depend, from `Parser.identity`.
    """

    scheme: Scheme
    identity: Mapping[str, str]

    def to_json(self) -> bytes:
        """Return the header as JSON, as a Parquet file's metadata and a tar's first file hold it."""
        return write_header(KIND, FORMAT, self.scheme, identity=dict(self.identity))

    @classmethod
    def read(cls, content: bytes | None, file: object) -> Header:
        """Read the header of a file; `file` is its name for messages.

        Raises:
            DataError: no header, a damaged one, or one of another kind or version.
        """
        if not content:
            raise DataError(f"{file} is no table of parsings: faceparse scale did not write it")
        header = read_header(content, KIND, FORMAT, file, "faceparse scale")
        identity = convert(
            dict[str, str], header.get("identity", {}), "identity", where=str(file), error=DataError
        )
        return cls(scheme_inside(header.get("scheme")), identity)


def to_row(
    key: str,
    parsing: Parsing,
    *,
    path: str | None = None,
    sha256: str = "",
    image: bytes | None = None,
) -> Row:
    """Return the row of a parsing.

    Args:
        key: Name of the picture, unique in the table.
        parsing: The picture's parsing.
        path: Where the picture can be read again.
        sha256: SHA-256 of the model's file.
        image: The picture's encoded bytes, to keep them in the table.
    """
    height, width = parsing.size
    classes = parsing.scheme.classes
    labels = np.flatnonzero(count(parsing.labels)[: len(classes)]).tolist()
    masks = []
    for label, mask in zip(labels, encode(parsing.labels, [(label,) for label in labels]), strict=True):
        x, y, across, down = mask.box
        box = [x, y, x + across, y + down]
        masks.append(
            {"name": classes[label], "label": label, "pixels": mask.area, "box": box, "counts": mask.counts}
        )
    trusts = [face.trust for face in parsing.faces if face.trust is not None]
    return {
        **dict.fromkeys(COLUMNS),
        "key": key,
        "path": path,
        "width": width,
        "height": height,
        "faces": _faces(parsing),
        "trust": min(trusts, default=None),
        "size": max((max(face.size) for face in parsing.faces), default=None),
        "masks": masks,
        "scheme": parsing.scheme.name,
        "model": parsing.model,
        "sha256": sha256,
        "engine": parsing.engine,
        "image": image,
    }


def error_row(key: str, error: str, *, path: str | None = None, **values: object) -> Row:
    """Return the row of a picture that could not be parsed; `values` are those of further columns."""
    return {**dict.fromkeys(COLUMNS), "key": key, "path": path, "error": error, **values}


def _faces(parsing: Parsing) -> list[dict[str, Any]]:
    faces, (height, width) = parsing.faces, parsing.size
    regions = [parsing.labels] * len(faces)
    if len(faces) > 1:
        y, x = np.ogrid[0.5:height, 0.5:width]
        owner = nearest_box([face.box for face in faces], x, y)
        regions = [parsing.labels[owner == index] for index in range(len(faces))]
    return [
        {
            "box": list(face.box),
            "score": face.score,
            "trust": face.trust,
            "landmarks": face.landmarks.reshape(-1).tolist(),
            "areas": [
                {"name": name, "pixels": pixels}
                for name, pixels in zip(parsing.scheme.classes, count(region).tolist(), strict=False)
                if pixels
            ],
        }
        for face, region in zip(faces, regions, strict=True)
    ]


@cache
def schema() -> Any:
    """Return the table's `pyarrow.Schema`, without a header.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    pa = import_pyarrow()
    face = pa.struct(
        {
            "box": pa.list_(pa.float64()),
            "score": pa.float64(),
            "trust": pa.float64(),
            "landmarks": pa.list_(pa.float64()),
            "areas": pa.list_(pa.struct({"name": pa.string(), "pixels": pa.int64()})),
        }
    )
    mask = pa.struct(
        {
            "name": pa.string(),
            "label": pa.int32(),
            "pixels": pa.int64(),
            "box": pa.list_(pa.int32()),
            "counts": pa.string(),
        }
    )
    others = {
        "width": pa.int32(),
        "height": pa.int32(),
        "faces": pa.list_(face),
        "trust": pa.float64(),
        "size": pa.float64(),
        "masks": pa.list_(mask),
        "image": pa.binary(),
    }
    return pa.schema([(name, others.get(name, pa.string())) for name in COLUMNS])


def to_table(rows: Sequence[Row], header: Header | None = None) -> Any:
    """Return rows as a `pyarrow.Table`, which has the header in its metadata.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    metadata = {PARQUET_HEADER: header.to_json()} if header else None
    return import_pyarrow().Table.from_pylist(list(rows), schema().with_metadata(metadata))


def check_schema(found: Any, file: object) -> Header:
    """Check the `pyarrow.Schema` of a file of parsings, and return the file's header.

    Raises:
        DataError: a file of another kind or version, or with other columns.
    """
    header = Header.read((found.metadata or {}).get(PARQUET_HEADER), file)
    for column in schema():
        index = found.get_field_index(column.name)
        if index < 0 or found.field(index).type != column.type:
            came = "none" if index < 0 else found.field(index).type
            raise DataError(
                f"{file}: column {column.name} is {column.type} in a table of parsings, got {came}"
            )
    return header
