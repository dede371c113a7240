"""The table of measures."""

import csv
import json
from pathlib import Path

import pytest

from faceparse.errors import OutputError
from faceparse.writers import writers
from tests.results.test_measures import drawn


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_run_has_one_table(tmp_path: Path, form: str) -> None:
    writer = writers(["measure"], {"format": form})["measure"]
    stems = [tmp_path / "a", tmp_path / "sub" / "b"]
    (tmp_path / "sub").mkdir()
    for stem in stems:
        parsing = drawn().parsing
        assert parsing is not None
        face = parsing.faces[0]
        whole = type(parsing).from_labels(parsing.image, parsing.labels, parsing.scheme, [drawn(), drawn(6)])
        assert face.size == (100, 100)
        writer.write(whole, stem)
    for _ in range(2):  # a rerun replaces its own table
        assert writer.finish(tmp_path, stems) == (tmp_path / f"measures.{form}",)
    with (tmp_path / f"measures.{form}").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file)) if form == "csv" else json.load(file)
    assert [(row["picture"], int(row["face"])) for row in rows] == [
        ("a", 1),
        ("a", 2),
        ("sub/b", 1),
        ("sub/b", 2),
    ]
    assert [float(row["mouth_opening"]) for row in rows] == [0, 0.15, 0, 0.15]
    assert float(rows[0]["size"]) == 100


def test_another_table_is_not_overwritten(tmp_path: Path) -> None:
    writer = writers(["measure"])["measure"]
    parsing = drawn().parsing
    assert parsing is not None
    whole = type(parsing).from_labels(parsing.image, parsing.labels, parsing.scheme, [drawn()])
    writer.write(whole, tmp_path / "a")
    (tmp_path / "measures.csv").write_text("mine\n")
    with pytest.raises(OutputError, match="not by faceparse"):
        writer.finish(tmp_path, [tmp_path / "a"])
    assert (tmp_path / "measures.csv").read_text() == "mine\n"
    (tmp_path / "a_measure.json").write_text("[" * 100_000)
    (tmp_path / "measures.csv").unlink()
    with pytest.raises(OutputError, match="redo it with --overwrite"):
        writer.finish(tmp_path, [tmp_path / "a"])
