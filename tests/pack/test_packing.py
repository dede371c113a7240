"""Packing into other forms and back: nothing is lost, what does not fit is counted, and no file is where it should not be."""

import errno
import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceparse.data import FolderDataset, open_dataset
from faceparse.data.webdataset import WebDataset
from faceparse.errors import ConfigError, DataError, FaceparseError
from faceparse.folder import Run
from faceparse.pack import forms, pack
from faceparse.pack.source import Item
from faceparse.writers import writers
from tests.cli.conftest import Ran, faceparse  # noqa: F401
from tests.data import made
from tests.folder.conftest import find, parse, pictures, tree

Command = Callable[..., Ran]
FORMS = ["tars", "parquet"]
KINDS = {"tars": "webdataset", "parquet": "parquet"}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """A form that can be unpacked."""
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return str(request.param)


def bytes_of(root: Path, *folders: str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for folder in folders for p in (root / folder).iterdir()}


def labels_of(root: Path, folder: str) -> dict[str, list[Any]]:
    return {p.name: np.asarray(Image.open(p)).tolist() for p in (root / folder).iterdir()}


def test_there_and_back(form: str, tmp_path: Path) -> None:
    root, packed, back = made.folder(tmp_path / "in"), tmp_path / "packed", tmp_path / "back"
    scheme = tmp_path / "mine.yaml"
    scheme.write_text(f"classes: [background, {', '.join(f'c{i}' for i in range(1, 19))}]\n")
    before = tree(root)
    assert pack(root, packed, form, scheme=str(scheme)) == (5, {})
    assert tree(root) == before
    assert pack(packed, back, "folder").pictures == 5
    assert bytes_of(back, "images") == bytes_of(root, "images")
    assert labels_of(back, "masks") == labels_of(root, "labels")
    for split, count in {"train": 4, "val": 1}.items():
        data = FolderDataset(back, split)
        assert (len(data), data.scheme.name) == (count, "mine")
        names = [Path(name).name for name in data.names]
        assert [Path(name).name for name in open_dataset(KINDS[form], packed, split).names] == names
    assert pack(packed, tmp_path / "again", form) == (5, {})
    assert tree(tmp_path / "again") == tree(packed)


def test_many_files(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "TAR_BYTES", 1)
    monkeypatch.setattr(forms, "FILE_ROWS", 3)
    monkeypatch.setattr(forms, "GROUP_ROWS", 2)
    root = made.folder(tmp_path / "in", count=8)
    for split in ("train", "val"):
        (root / f"{split}.txt").unlink()
    pack(root, tmp_path / "packed", form, scheme="celebamask19", jobs=3)
    files = sorted(p.name for p in (tmp_path / "packed").glob("data-*"))
    assert len(files) == {"tars": 8, "parquet": 3}[form]
    data, plain = (
        open_dataset(KINDS[form], tmp_path / "packed", "all"),
        FolderDataset(root, "all", "celebamask19"),
    )
    for i in (7, 0, 5, 3):
        assert (data[i].image == plain[i].image).all()
        assert (data[i].labels == plain[i].labels).all()
    half = [open_dataset(KINDS[form], tmp_path / "packed", f"{a}-{a + 50}%") for a in (0, 50)]
    expected = [FolderDataset(root, f"{a}-{a + 50}%", "celebamask19") for a in (0, 50)]
    assert [[Path(n).name for n in data.names] for data in half] == [
        [Path(n).name for n in data.names] for data in expected
    ]


def parsed(tmp_path: Path, *names: str) -> tuple[Path, Path]:
    """Photos, and what a run with masks and JSON left of them."""
    photos, out = pictures(tmp_path / "photos", *names), tmp_path / "out"
    jobs = find([photos], out, recursive=True)
    identity = {"scheme": "celebamask19"}
    list(Run(jobs, parse, writers(["mask", "json"]), out, identity=identity))
    return photos, out


def test_results_with_their_photos(form: str, tmp_path: Path) -> None:
    photos, out = parsed(tmp_path, "a.png", "a.bmp", "sub/b.c.png", "sub/d.png", "e.png")
    (out / "sub" / "d_mask.png").unlink()
    (out / "e_mask.png").write_bytes(b"no")
    for i, stem in enumerate(("a.png", "a.bmp", "sub/b.c")):
        file = out / f"{stem}_parsing.json"
        content = json.loads(file.read_text())
        content["faces"] = [{"trust": 0.5 + k / 5, "box": [0, 0, 9, 10 * (i + k)]} for k in range(i)]
        file.write_text(json.dumps(content))
    packing = pack(out, tmp_path / "packed", form, images=photos)
    assert packing.pictures == 3
    assert sorted(packing.left_out.values()) == [1, 1]
    data = open_dataset(KINDS[form], tmp_path / "packed", "all")
    first = tmp_path / "packed" / f"data-00000.{form.removesuffix('s')}"
    names = {str(name).removeprefix(f"{first}/") for name in data.names}
    assert names == {"a.png.png", "a.bmp.bmp", "sub/b.c.png"}
    assert data.scheme.name == "celebamask19"
    for where, count in {"trust > 0.4": 2, "faces == 0": 1, "not trust > 0.4": 1, "size >= 21": 1}.items():
        some = pack(tmp_path / "packed", tmp_path / "some", "folder", where=where, overwrite=True)
        assert (where, some.pictures, sum(some.left_out.values())) == (where, count, 3 - count)
    assert some.left_out == {"not size >= 21": 2}
    kept = bytes_of(tmp_path / "some", "images")
    assert kept == {"sub__b.c.png": (photos / "sub" / "b.c.png").read_bytes()}


@pytest.mark.filterwarnings("ignore:__array__")
def test_coco_is_read_by_pycocotools(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    root = made.folder(tmp_path / "in")
    pack(root, tmp_path / "coco", "coco", scheme="celebamask19")
    data = coco.COCO(str(tmp_path / "coco" / "train.json"))
    assert len(data.imgs) == 4
    for number, image in data.imgs.items():
        labels = np.asarray(Image.open(root / "labels" / f"{Path(image['file_name']).stem}.png"))
        assert (tmp_path / "coco" / image["file_name"]).is_file()
        drawn = np.zeros_like(labels)
        for annotation in data.imgToAnns[number]:
            drawn[data.annToMask(annotation) > 0] = annotation["category_id"]
        assert (drawn == labels).all()


def test_values_of_another_type_are_missing(tmp_path: Path) -> None:
    root = made.webdataset(tmp_path / "set")
    rows = [b'{"trust": 1}', b'{"trust": "x"}', b"[1]", b"{", b'{"trust": true}', b'{"trust": 1e999}']
    columns = {"trust": "number"}
    header = {"faceparse": "data set", "format": 1, "scheme": "celebamask19", "columns": columns}
    path = tmp_path / "odd.tar"
    with tarfile.open(root / "val-00000.tar") as old, tarfile.open(path, "w") as new:
        contents = {m.name: old.extractfile(m).read() for m in old.getmembers()}  # type: ignore[union-attr]
        files = {"__faceparse__/header.json": json.dumps(header).encode()}
        for i, row in enumerate(rows):
            files |= {
                f"{i}.jpg": contents["4.jpg"],
                f"{i}.labels.png": contents["4.labels.png"],
                f"{i}.json": row,
            }
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    packing = pack(path, tmp_path / "out", "tars", where="trust > 0")
    assert (packing.pictures, packing.left_out) == (2, {"not trust > 0": 4})


def table(tmp_path: Path, **changes: Any) -> tuple[Path, dict[str, np.ndarray[Any, Any]]]:
    """What `faceparse scale` writes of four pictures: one in the table, one gone, one that failed."""
    pq = pytest.importorskip("pyarrow.parquet")

    from faceparse.labels import scheme
    from faceparse.results import Parsing
    from faceparse.scale import table as scale

    photos = pictures(tmp_path / "photos", "a.png", "sub/b.png", "gone.png")
    rows, labels = [], {}
    for i, name in enumerate(("a.png", "sub/b.png", "gone.png")):
        with Image.open(photos / name) as picture:
            image = np.asarray(picture)
        labels[name] = np.random.default_rng(i).integers(0, 19, image.shape[:2], np.uint8)
        labels[name][0, :3] = 255
        parsing = Parsing.from_labels(image, labels[name], "celebamask19")
        kept = (photos / name).read_bytes() if i == 0 else None
        path = None if kept else str(photos / name)
        row = scale.to_row(name, parsing, path=path, image=kept)
        rows.append({**row, "trust": (0.9, 0.8, None)[i], "size": 100.0 * i, **changes})
    (photos / "gone.png").unlink()
    rows.append(scale.error_row("bad.png", "bad.png is empty (0 bytes)"))
    header = scale.Header(scheme("celebamask19"), {})
    (tmp_path / "table").mkdir()
    pq.write_table(scale.to_table(rows, header), tmp_path / "table" / "part-0.parquet")
    return tmp_path / "table", labels


def test_a_table_of_results(tmp_path: Path) -> None:
    root, labels = table(tmp_path)
    packing = pack(root, tmp_path / "set", "folder")
    assert packing.pictures == 2

    assert any("is empty (0 bytes)" in reason for reason in packing.left_out)
    assert any("cannot read" in reason for reason in packing.left_out)
    assert labels_of(tmp_path / "set", "masks") == {
        f"{name[:-4].replace('/', '__')}.png": labels[name].tolist() for name in ("a.png", "sub/b.png")
    }
    packing = pack(root, tmp_path / "some", "tars", where="trust > 0.85 and size >= 0")
    assert (packing.pictures, packing.left_out["not trust > 0.85"]) == (1, 2)
    assert WebDataset(tmp_path / "some", "all").columns["trust"] == "number"


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 1 << 30, "height": 1 << 30},
        {"width": 21},
        {"masks": [{"name": "skin", "label": 300, "pixels": 1, "box": [0] * 4, "counts": "9"}]},
        {"masks": [{"name": "skin", "label": 1, "pixels": 1, "box": [0] * 4, "counts": "ooooooooooooooooo"}]},
        {"key": "a/../../evil.png"},
        {"key": "C:\\evil.png"},
        {"key": ".."},
        {"key": "a\0.png"},
    ],
)
def test_rows_that_lie_are_left_out(tmp_path: Path, changes: dict[str, Any]) -> None:
    root, _ = table(tmp_path, **changes)
    with pytest.raises(DataError, match=r"no picture of .* is left of 4"):
        pack(root, tmp_path / "deep" / "down" / "set", "folder")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("name", ["../../evil.jpg", "/tmp/evil.jpg", "a/../../evil.jpg"])
def test_a_hostile_tar_stays_inside(tmp_path: Path, name: str) -> None:
    made.webdataset(tmp_path / "set")
    path = tmp_path / "set" / "odd-00000.tar"
    shutil.copy(tmp_path / "set" / "val-00000.tar", path)
    with tarfile.open(path, "a") as tar:
        for ending in (".jpg", ".labels.png"):
            source = tmp_path / "set-unpacked" / ("images/0.jpg" if ending == ".jpg" else "labels/0.png")
            member = tarfile.TarInfo(name.removesuffix(".jpg") + ending)
            member.size = source.stat().st_size
            tar.addfile(member, io.BytesIO(source.read_bytes()))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    packing = pack(tmp_path / "set", tmp_path / "out" / "deep" / "back", "folder")
    assert list(packing.left_out.values()) == [1]
    assert not list(tmp_path.rglob("evil.*")) and not Path("/tmp/evil.jpg").exists()  # noqa: PT018


def test_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = made.folder(tmp_path / "in"), tmp_path / "out"
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").write_text("precious")

    def refused(target: Path, words: str, **options: Any) -> None:
        with pytest.raises(FaceparseError, match=words) as caught:
            pack(root, target, "tars", scheme="celebamask19", **options)
        assert "\n" not in str(caught.value)

    refused(other, "no folder that faceparse data pack made", overwrite=True)
    refused(other / "precious.txt", "no folder that faceparse data pack made", overwrite=True)
    refused(root, "inputs are only read", overwrite=True)
    refused(root / "packed", "inputs are only read")
    refused(tmp_path, "inputs are only read", overwrite=True)
    out.mkdir()
    pack(root, out, "tars", scheme="celebamask19")
    before = tree(tmp_path)
    refused(out, "--overwrite")

    def full(folder: Path, split: str, items: Any, source: Any) -> None:
        next(items)
        (folder / "half.tar").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(forms.FORMS, "tars", full)
    refused(out, f"cannot write {out}: No space left on device", overwrite=True)
    refused(tmp_path / "new", "No space left on device")
    assert tree(tmp_path) == before
    monkeypatch.undo()
    rename = Path.rename

    def fails(self: Path, new: Path) -> Path:
        if new == out and "dataset.json" in {p.name for p in self.iterdir()} and not fails_at.pop():
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, new)

    fails_at = [True, False]  # the new folder's renaming, but not that of the old one back
    monkeypatch.setattr(Path, "rename", fails)
    refused(out, "Input/output error", overwrite=True)
    assert tree(tmp_path) == before
    monkeypatch.undo()
    pack(root, out, "folder", scheme="celebamask19", overwrite=True)
    assert not list(out.glob("*.tar"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "other", "out"]


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.tar").write_bytes(b"no tar")
    made.folder(tmp_path / "in")
    cases = {
        "none": "no such file or folder",
        "empty": "no picture",
        "broken": "cannot read .*a.tar as a tar",
        "in": "does not say which label scheme",
    }
    for name, words in cases.items():
        with pytest.raises(FaceparseError, match=words) as caught:
            pack(tmp_path / name, tmp_path / "out", "tars")
        assert "\n" not in str(caught.value)
    for options, words in {
        ("tarz", ""): "no form 'tarz' to pack to: --to tars, parquet, coco or folder",
        ("tars", "trust > 1"): "no column 'trust': the source has no columns",
    }.items():
        with pytest.raises(ConfigError, match=words):
            pack(tmp_path / "in", tmp_path / "out", options[0], scheme="celebamask19", where=options[1])
    pictures(tmp_path / "photos", "a.png")
    with pytest.raises(DataError, match="no run recorded it: --scheme NAME"):
        pack(tmp_path / "photos", tmp_path / "out", "tars")
    with pytest.raises(DataError, match=r"is left of 1: … has no label map"):
        pack(tmp_path / "photos", tmp_path / "out", "tars", scheme="face2")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("version", [0, 2, "x", None])
def test_another_version_is_one_line(tmp_path: Path, version: Any) -> None:
    root = made.webdataset(tmp_path / "set")
    path = root / "val-00000.tar"
    header = {"faceparse": "data set", "format": version, "scheme": "celebamask19", "columns": {}}
    with tarfile.open(path, "w") as tar:
        data = json.dumps(header).encode()
        member = tarfile.TarInfo("__faceparse__/header.json")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    words = "format|damaged header"
    with pytest.raises(DataError, match=f"{path}.*({words})"):
        open_dataset("webdataset", root, "val")


def test_a_table_of_results_is_no_data_set(tmp_path: Path) -> None:
    root, _ = table(tmp_path)
    with pytest.raises(DataError, match=r"is no packed data set.*faceparse data pack makes one"):
        open_dataset("parquet", root, "all")
    pq = pytest.importorskip("pyarrow.parquet")

    file = root / "part-0.parquet"
    content = pq.read_table(file)
    pq.write_table(
        content.replace_schema_metadata({b"faceparse": b'{"faceparse":"parsings","format":9}'}), file
    )
    with pytest.raises(DataError, match=r"part-0.parquet is of format 9"):
        pack(root, tmp_path / "out", "tars")


def test_a_tar_of_others_needs_a_scheme(tmp_path: Path) -> None:
    root = made.webdataset(tmp_path / "set")
    with tarfile.open(root / "train-00000.tar") as old, tarfile.open(tmp_path / "faces.tar", "w") as new:
        for member in old.getmembers()[1:]:
            new.addfile(member, old.extractfile(member))
    with pytest.raises(DataError, match="does not say which label scheme"):
        open_dataset("webdataset", tmp_path / "faces.tar", "all")
    assert len(open_dataset("webdataset", tmp_path / "faces.tar", "all", "celebamask19")) == 4


def test_names_that_clash(tmp_path: Path) -> None:
    from faceparse.pack.packing import _named

    names: set[str] = set()
    items = [Item(name, "data", {}, b"", (1, 1), np.zeros((1, 1), np.uint8), b"") for name in
             ("a.jpg", "A.png", "a.bmp", "a/b.jpg", "a__b.jpg", "a.jpg")]  # fmt: skip
    results = [_named(item, names) for item in items]
    assert [r if isinstance(r, str) else r.name for r in results] == [
        "a.jpg",
        "A.png.png",
        "a.bmp.bmp",
        "a/b.jpg",
        "a__b.jpg.jpg",
        "a.jpg.jpg",
    ]
    assert _named(items[0], names) == "a.jpg has the name of another picture: rename it"


def test_the_command(tmp_path: Path, faceparse: Command) -> None:  # noqa: F811
    root = made.folder(tmp_path / "in")
    (root / "labels" / "0.png").unlink()
    ran = faceparse("data", "pack", root, "-o", tmp_path / "out", "--to", "tars", "--scheme", "celebamask19")
    assert ran.code == 0
    assert ran.out == f"1 left out: … has no label map\n4 packed, 1 left out in {tmp_path / 'out'}\n"
    ran = faceparse("data", "pack", tmp_path / "out", "-o", tmp_path / "out", "--to", "folder")
    assert ran.code == 2
    assert re.fullmatch(r"faceparse: .*inputs are only read: name another folder\n", ran.err)
