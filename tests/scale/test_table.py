"""The table of parsings: its rows, its schema, and what a reader refuses."""

import json
from typing import Any

import numpy as np
import pytest

from faceparse.errors import DataError
from faceparse.labels import scheme
from faceparse.labels.archive import PARQUET_HEADER
from faceparse.results import Face, Parsing
from faceparse.scale.table import COLUMNS, Header, check_schema, error_row, schema, to_row, to_table

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

HEAD = Header(scheme("celebamask19"), {"model": "default"})
POINTS = np.array([[2, 2], [4, 2], [3, 3], [2, 4], [4, 4]])


def parsing(*faces: Face) -> Parsing:
    """12 × 8 px: a column of ignored pixels, hair on the left, skin on the right."""
    labels = np.zeros((8, 12), np.uint8)
    labels[2:6, 1:5], labels[2:6, 8:], labels[:, 0] = 17, 1, 255
    return Parsing.from_labels(np.zeros((8, 12, 3), np.uint8), labels, "celebamask19", faces=faces)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # by pycocotools
def test_a_row_has_exact_masks_and_figures_of_its_faces() -> None:
    faces = Face((0, 0, 6, 8), 0.9, POINTS, trust=0.8), Face((7, 1, 12, 7), 0.7, POINTS + 6, trust=0.6)
    row = to_row("a.jpg", parsing(*faces), path="in/a.jpg", sha256="f0")
    assert tuple(row) == COLUMNS
    assert (row["width"], row["height"], row["trust"], row["size"]) == (12, 8, 0.6, 8)
    hair, skin = ({p["name"]: p["pixels"] for p in face["areas"]} for face in row["faces"])
    assert (hair["hair"], skin["skin"], "skin" in hair, "hair" in skin) == (16, 16, False, False)
    masks = {mask["name"]: mask for mask in row["masks"]}
    assert masks["hair"]["box"] == [1, 2, 5, 6]
    assert sum(mask["pixels"] for mask in row["masks"]) == 96 - 8  # all but the ignored ones
    coco = pytest.importorskip("pycocotools.mask")
    labels = np.full((8, 12), 255, np.uint8)
    for mask in row["masks"]:
        counts = {"size": [8, 12], "counts": mask["counts"].encode()}
        labels[coco.decode(counts) > 0] = mask["label"]
    np.testing.assert_array_equal(labels, parsing().labels)


def test_rows_come_back_from_parquet(tmp_path: Any) -> None:
    rows = [to_row("a", parsing(), image=b"\xff\xd8"), error_row("b", "not a picture", path="in/b")]
    pq.write_table(to_table(rows, HEAD), tmp_path / "rows.parquet")
    file = pq.ParquetFile(tmp_path / "rows.parquet")
    assert check_schema(file.schema_arrow, "rows.parquet") == HEAD
    assert file.read().to_pylist() == rows


def changed(**values: object) -> Any:
    content = json.loads(HEAD.to_json()) | values
    return schema().with_metadata({PARQUET_HEADER: json.dumps(content)})


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: changed(format=2), "rows is of format 2, and this version of faceparse reads format 1"),
        (lambda: changed(faceparse="data set"), "rows is of kind .data set., not .parsings."),
        (lambda: schema(), "rows is no table of parsings"),
        (lambda: schema().with_metadata({PARQUET_HEADER: b"{"}), "rows has a damaged header"),
        (lambda: changed().remove(0), "rows: column key is string in a table of parsings, got none"),
    ],
)
def test_a_reader_refuses_other_tables(other: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_schema(other(), "rows")
