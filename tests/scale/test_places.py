"""Pictures in folders, lists, Parquet files and tars, and tables in folders of any file system."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from faceparse.errors import ConfigError, DataError, OutputError
from faceparse.labels import scheme
from faceparse.scale.destination import FORMS, open_destination
from faceparse.scale.place import Place
from faceparse.scale.source import find_source, read_pack
from faceparse.scale.table import Header, error_row, to_table

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

HEAD = Header(scheme("celebamask19"), {"model": "default"})


def write_tar(path: Path, **files: bytes) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def keys(source: str | Path, **options: Any) -> list[str]:
    found = find_source(str(source), **options)
    return [*found.pictures, *(picture.key for pack in found.packs for picture in read_pack(pack))]


def test_keys_of_a_folder_s_pictures(photos: Path) -> None:
    assert keys(photos) == ["bad.jpg", "white.png"]
    assert len(keys(photos, recursive=True)) == 13
    assert "sub/3.png" in keys(photos.as_uri(), recursive=True)
    (photos / "sub" / "loop").symlink_to(photos)
    assert len(keys(photos, recursive=True)) == 13
    assert keys(photos, recursive=True, leave_out=Place.of(photos / "sub")) == ["bad.jpg", "white.png"]


def test_keys_of_a_list(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    (photos / "list.txt").write_text("sub/1.png\nwhite.png\n")
    assert find_source("list.txt").pictures == {n: str(photos / n) for n in ("sub/1.png", "white.png")}


def test_keys_of_tars_and_parquet(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", a_jpg=b"1", a_labels_png=b"2", sub__b_png=b"3", c_txt=b"4")
    columns = {"image": [{"bytes": b"1", "path": None}, {"bytes": None, "path": "x.jpg"}, None]}
    pq.write_table(pa.table(columns), tmp_path / "b.parquet", row_group_size=2)
    pq.write_table(pa.table({"key": ["k"], "bytes": [b"1"]}), tmp_path / "c.parquet")
    found = ["a.tar/a.jpg", "a.tar/sub/b.png", "b.parquet/0", "b.parquet/1", "b.parquet/2", "k"]
    assert keys(tmp_path) == found
    assert find_source(str(tmp_path / "b.parquet")).total == 3
    assert find_source(str(tmp_path)).total is None
    pack = find_source(str(tmp_path / "b.parquet")).packs
    first, second, third = (picture for part in pack for picture in read_pack(part))
    assert (first.bytes, second.path, third.error) == (b"1", "x.jpg", "b.parquet/2 holds no picture")


def test_a_damaged_tar_gives_its_pictures_and_one_error(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", a_jpg=b"1" * 600, b_jpg=b"2" * 600)
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:2200])
    good, bad = read_pack(find_source(str(tmp_path / "a.tar")).packs[0])
    assert (good.key, bad.key) == ("a.tar/a.jpg", "a.tar")
    assert bad.error
    assert "cannot read" in bad.error


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "no such file or folder: .*gone"),
        ("empty", "no picture .* in .*empty; --recursive"),
        ("a.mp4", "is no folder, list"),
        ("bad.parquet", "cannot read .*bad.parquet as Parquet"),
        ("none.parquet", "no picture .* in .*none.parquet"),
        ("other.parquet", "no column bytes, image or path, only name"),
        ("s4://bucket/a", "s4://bucket: .*expected a path, file://, s3://"),
    ],
)
def test_sources_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("a.mp4").touch()
    Path("bad.parquet").write_bytes(b"PAR1")
    pq.write_table(pa.table({"name": ["a"]}), "other.parquet")
    pq.write_table(pa.table({"path": pa.array([], pa.string())}), "none.parquet")
    with pytest.raises(ConfigError, match=words):
        find_source(name)


def written(folder: Place, form: str) -> list[dict[str, Any]]:
    rows = []
    for name, _ in folder.entries():
        with (folder / name).open() as file:
            rows += list(FORMS[form].read(file))
    return rows


def fill(folder: Place, form: str, names: Sequence[str], **options: Any) -> set[str]:
    """Write a row for each name; return the keys that were there."""
    with open_destination(folder, form, HEAD, rows=2, **options) as table:
        for name in names:
            table.add(to_table([error_row(name, "no picture", image=b"\xff\xd8\xff" + name.encode())]))
        return table.keys


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["local", "file", "subtree", "memory"])
def test_rows_come_back_and_a_rerun_finds_their_keys(tmp_path: Path, form: str, where: str) -> None:
    fs = pytest.importorskip("pyarrow.fs")
    folder = {
        "local": Place.of(tmp_path / "new" / "out"),
        "file": Place.of((tmp_path / "a b").as_uri()),
        "subtree": Place(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "out", "subtree://out"),
        "memory": Place.of("mock://out"),
    }[where]
    folder = folder._replace(
        path=f"{folder.path}-{form}"
    )  # the file system in memory lives as long as the tests
    names = ["sub/a.jpg", "b%.c", "d"]
    assert fill(folder, form, names) == set()
    assert [name for name, _ in folder.entries()] == [f"rows-0000{i}{FORMS[form].ending}" for i in range(2)]
    assert fill(folder, form, ["e"]) == set(names)
    rows = written(folder, form)
    assert [row["key"] for row in rows] == [*names, "e"]
    assert rows[0] == error_row("sub/a.jpg", "no picture", image=b"\xff\xd8\xffsub/a.jpg")
    assert fill(folder, form, ["f"], overwrite=True) == set()
    assert [row["key"] for row in written(folder, form)] == ["f"]


@pytest.mark.parametrize("form", FORMS)
def test_folders_that_hold_something_else(tmp_path: Path, form: str) -> None:
    folder = Place.of(tmp_path / "out")
    fill(folder, form, ["a"])
    changed = open_destination(folder, form, Header(HEAD.scheme, {"faces": "whole"}))
    with pytest.raises(ConfigError, match=r"other settings \(model, faces\).*--overwrite"), changed:
        pass
    other = next(name for name in FORMS if name != form)
    with pytest.raises(ConfigError, match="another form"):
        fill(folder, other, ["b"])
    (tmp_path / "out" / f"rows-00007{FORMS[form].ending}").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="rows-00007"):
        fill(folder, form, ["b"])
    with pytest.raises(OutputError, match="is a file"):
        fill(Place.of(tmp_path / "out" / f"rows-00000{FORMS[form].ending}"), form, ["b"])
    with pytest.raises(ConfigError, match="parquet or tars; got 'csv'"):
        fill(folder, "csv", ["b"])


def test_one_run_at_a_time(tmp_path: Path) -> None:
    folder = Place.of(tmp_path)
    with open_destination(folder, "parquet", HEAD), pytest.raises(OutputError, match="another run"):
        fill(folder, "parquet", ["a"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_one_line_and_leaves_whole_files(tmp_path: Path, form: str) -> None:
    folder, rows = Place.of(tmp_path), to_table([error_row(str(i), "x" * 9999) for i in range(300)])
    fill(folder, form, ["a", "b"])
    with open_destination(folder, form, HEAD, rows=2) as table:
        (tmp_path / f".rows-00001{FORMS[form].ending}.part").symlink_to("/dev/full")
        with pytest.raises(OutputError, match=r"cannot write .*rows-00001.*: No space left on device"):
            table.add(rows)
    assert [row["key"] for row in written(folder, form)] == ["a", "b"]
    assert [path.name for path in tmp_path.glob(".rows*")] == []


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".rows-00000.parquet.part").write_bytes(b"half")
    fill(Place.of(tmp_path), "parquet", ["a"])
    assert [path.name for path in tmp_path.glob(".rows*")] == []
