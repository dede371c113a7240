"""COCO files, read back by pycocotools."""

import contextlib
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.errors import OutputError
from faceparse.results import Parsing
from faceparse.writers import writers
from faceparse.writers.coco import join
from tests.writers.samples import PARSINGS, blocks, labelled

coco = pytest.importorskip("pycocotools.coco")

# pycocotools' own, with NumPy 2.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)


def opened(path: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        return coco.COCO(str(path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize("case", PARSINGS)
def test_one_picture(case: str, tmp_path: Path) -> None:
    one = PARSINGS[case]
    (path,) = writers(["rle"])["rle"].write(one, tmp_path / "a")
    read = opened(path)
    (image,) = read.loadImgs(read.getImgIds())
    assert (image["height"], image["width"]) == one.size
    assert image["file_name"] == ("photo.jpg" if one.source else "a")
    found = {read.cats[a["category_id"]]["name"]: a for a in read.loadAnns(read.getAnnIds())}
    assert set(found) == set(one.areas) - {"background"}
    for name, annotation in found.items():
        mask = one.mask(name)
        np.testing.assert_array_equal(read.annToMask(annotation), mask)
        assert annotation["category_id"] == one.scheme.id(name)
        assert annotation["area"] == mask.sum()
        x, y, width, height = annotation["bbox"]
        assert (x, y, x + width, y + height) == one.box(name)


def test_groups_are_categories_of_their_own(tmp_path: Path) -> None:
    one = labelled(blocks(40, 60))
    writer = writers(["rle"], {"classes": "face,glasses,ears"})["rle"]
    (path,) = writer.write(one, tmp_path / "a")
    read = opened(path)
    assert {c["name"]: c["id"] for c in read.cats.values()} == {"face": 256, "eye_g": 6, "ears": 259}
    (face,) = read.loadAnns(read.getAnnIds(catIds=[256]))
    np.testing.assert_array_equal(read.annToMask(face), one.mask("face"))
    assert read.getAnnIds(catIds=[259]) == []


def run(folder: Path, pictures: dict[str, NDArray[np.uint8]]) -> dict[str, Parsing]:
    """As a folder run does: every picture's file, then the one of all."""
    writer = writers(["rle"])["rle"]
    made = {}
    for name, labels in pictures.items():
        made[name] = Parsing(
            np.zeros((*labels.shape, 3), np.uint8),
            (),
            labelled(labels).scheme,
            label_map=labels,
            source=f"in/{name}.jpg",
        )
        writer.write(made[name], folder / name)
    assert writer.finish(folder, (folder / name for name in pictures)) == (folder / "annotations.json",)
    return made


def test_a_folder(folder: Path) -> None:
    made = run(folder, {"a": blocks(30, 20), "b": np.zeros((5, 6), np.uint8), "sub/a": blocks(12, 50)})
    read = opened(folder / "annotations.json")
    assert [i["file_name"] for i in read.dataset["images"]] == ["a.jpg", "b.jpg", "sub/a.jpg"]
    assert [a["id"] for a in read.dataset["annotations"]] == list(range(1, len(read.anns) + 1))
    assert len(read.imgs) == 3
    for image in read.imgs.values():
        one = made[image["file_name"].removesuffix(".jpg")]
        back = np.zeros(one.size, np.uint8)
        for annotation in read.loadAnns(read.getAnnIds(imgIds=[image["id"]])):
            back[read.annToMask(annotation) == 1] = annotation["category_id"]
        np.testing.assert_array_equal(back[one.labels != 255], one.labels[one.labels != 255])
    assert sorted(p.name for p in folder.iterdir()) == ["a_rle.json", "annotations.json", "b_rle.json", "sub"]


def test_a_rerun_with_more_pictures_keeps_ids(folder: Path) -> None:
    pictures = {"b": blocks(9, 9), "c": blocks(8, 8)}
    run(folder, pictures)
    before = (folder / "annotations.json").read_bytes()
    ids = {i["file_name"]: i["id"] for i in json.loads(before)["images"]}
    assert all(0 < i < 2**53 for i in ids.values())
    run(folder, pictures)
    assert (folder / "annotations.json").read_bytes() == before
    run(folder, {"a": blocks(7, 7), **pictures})
    after = {
        i["file_name"]: i["id"] for i in json.loads((folder / "annotations.json").read_bytes())["images"]
    }
    assert {name: after[name] for name in ids} == ids


def test_no_pictures_no_file(folder: Path) -> None:
    assert writers(["rle"])["rle"].finish(folder, []) == ()
    assert [p.name for p in folder.iterdir()] == ["sub"]


def test_a_file_of_another_is_left_alone(folder: Path) -> None:
    (folder / "annotations.json").write_text('{"info": {}, "images": []}')
    with pytest.raises(OutputError, match=r"annotations\.json exists and is not by faceparse"):
        run(folder, {"a": blocks(9, 9)})
    assert (folder / "annotations.json").read_text() == '{"info": {}, "images": []}'


@pytest.mark.parametrize("content", [None, "", "[]", '{"info": {}}', "{", "[" * 100_000])
def test_missing_and_damaged_pieces_are_named(folder: Path, content: str | None) -> None:
    run(folder, {"a": blocks(9, 9), "b": blocks(9, 9)})
    before = (folder / "annotations.json").read_bytes()
    (folder / "b_rle.json").unlink()
    if content is not None:
        (folder / "b_rle.json").write_text(content)
    with pytest.raises(OutputError, match=r"b_rle\.json cannot be read as COCO's format") as caught:
        writers(["rle"])["rle"].finish(folder, [folder / "a", folder / "b"])
    assert "\n" not in str(caught.value)
    assert (folder / "annotations.json").read_bytes() == before
    assert len([p for p in folder.iterdir() if p.suffix == ".part"]) == 0


def test_pieces_of_other_classes_are_named(folder: Path) -> None:
    writers(["rle"])["rle"].write(labelled(blocks(9, 9)), folder / "a")
    writers(["rle"], {"classes": "hair"})["rle"].write(labelled(blocks(9, 9)), folder / "b")
    with pytest.raises(OutputError, match=r"b_rle\.json has other classes: redo all with --overwrite"):
        writers(["rle"])["rle"].finish(folder, [folder / "a", folder / "b"])
    assert not (folder / "annotations.json").exists()


def test_memory_stays_flat(folder: Path) -> None:
    """Joining hundreds of pieces takes about as much as joining ten."""
    (piece,) = writers(["rle"])["rle"].write(labelled(blocks(200, 200)), folder / "a")

    def peak(count: int) -> int:
        tracemalloc.start()
        join(folder / "annotations.json", [piece] * count)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)
    assert peak(300) < 2 * peak(10)
