"""Faults put into a good data set are found, and nothing else is."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from faceparse.data import kinds as all_kinds
from faceparse.data.check import Check, check_dataset
from faceparse.data.inspection import inspect
from faceparse.data.sheet import check_sheet
from faceparse.data.similar import pairs_alike
from faceparse.errors import DataError, LabelError
from faceparse.labels import scheme
from tests.data import made

CELEB = scheme("celebamask19")


def face(root: Path, stem: str, *, flip: bool = False, swap: bool = False, seed: int = 0) -> None:
    """A 64² picture whose left eye and brow lie on its right; mirrored, or with its sides swapped."""
    labels = np.full((64, 64), CELEB.id("skin"), np.uint8)
    for name, column in (("l_eye", 42), ("r_eye", 16), ("l_brow", 44), ("r_brow", 14)):
        row = 20 if "eye" in name else 10
        labels[row : row + 5, column : column + 8] = CELEB.id(name)
    if swap:
        labels = CELEB.flip_table[labels]
    image = made.picture(seed + 100, (64, 64))
    if flip:
        labels, image = np.ascontiguousarray(labels[:, ::-1]), ImageOps.mirror(image)
    image.save(root / "images" / f"{stem}.png")
    Image.fromarray(labels).save(root / "labels" / f"{stem}.png")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Six faces, 0 to 3 in train, 4 and 5 in val."""
    root = tmp_path / "faces"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for i in range(6):
        face(root, str(i), seed=i)
    (root / "train.txt").write_text("0\n1\n2\n3\n")
    (root / "val.txt").write_text("4\n5\n")
    return root


def kinds(found: Check) -> dict[str, list[str]]:
    never = "class that never occurs"
    return {kind: [f.text for f in all_] for kind, all_ in found.kinds.items() if kind != never}


def check(root: Path) -> Check:
    return check_dataset(root, scheme=CELEB, jobs=2)


def test_a_good_set(faces: Path) -> None:
    told: list[tuple[int, int]] = []
    found = check_dataset(faces, scheme=CELEB, progress=lambda a, b: told.append((a, b)))
    assert not found.wrong
    assert kinds(found) == {}
    assert dict(found.splits) == {"train": 4, "val": 2, "all": 6}
    assert found.pictures[CELEB.id("l_eye")] == 6
    assert found.pixels[CELEB.id("l_eye")] == 6 * 40
    assert found.pixels.sum() == 6 * 64 * 64
    assert (found.sides, found.left_lies) == ((6, 0), "right")
    assert told[-1] == (6, 6)
    assert json.loads(json.dumps(found.as_dict()))["classes"]["l_eye"] == {"pixels": 240, "pictures": 6}
    assert len(found.kinds["class that never occurs"]) == 19 - 5


def unreadable(root: Path) -> None:
    (root / "images" / "1.png").write_bytes(b"no picture")


def cut_label(root: Path) -> None:
    path = root / "labels" / "1.png"
    path.write_bytes(path.read_bytes()[:60])


def colour_label(root: Path) -> None:
    Image.new("RGB", (64, 64)).save(root / "labels" / "1.png")


def small_label(root: Path) -> None:
    Image.new("L", (32, 24), 1).save(root / "labels" / "1.png")


def outside(root: Path) -> None:
    Image.new("L", (64, 64), 19).save(root / "labels" / "1.png")


def no_label(root: Path) -> None:
    (root / "labels" / "1.png").unlink()


def no_picture(root: Path) -> None:
    (root / "images" / "1.png").unlink()


def absent(root: Path) -> None:
    (root / "train.txt").write_text("0\n1\n2\n3\n99.jpg\n")


def twice(root: Path) -> None:
    (root / "train.txt").write_text("0\n1\n1\n2\n3\n")


def shared_picture(root: Path) -> None:
    (root / "val.txt").write_text("1\n4\n5\n")


def copy(root: Path) -> None:
    face(root, "1", seed=4)


def lossy(root: Path) -> None:
    Image.new("L", (64, 64)).save(root / "labels" / "1.jpg")


def clash(root: Path) -> None:
    made.picture(55, (64, 64)).save(root / "images" / "1.webp")


def mirrored(root: Path) -> None:
    face(root, "1", flip=True, seed=1)


def swapped(root: Path) -> None:
    face(root, "1", swap=True, seed=1)


@pytest.mark.parametrize(
    ("spoil", "kind", "text"),
    [
        (unreadable, "unreadable file", "1.png: it is not a picture"),
        (cut_label, "unreadable file", "labels/1.png: "),
        (colour_label, "unreadable file", "mode RGB"),
        (small_label, "picture and label map of different sizes", "is 64×64 but its label map is 32×24"),
        (
            outside,
            "labels outside the scheme",
            "1.png holds 19, but scheme 'celebamask19' has labels 0 to 18 and 255",
        ),
        (no_label, "picture without a label map", "1.png"),
        (no_picture, "label map without a picture", "1.png"),
        (absent, "split names an absent picture", "train.txt names 99.jpg"),
        (twice, "split names a picture twice", "train.txt names 1 2 times"),
        (shared_picture, "picture in two splits", "1.png: train, val"),
        (copy, "copy of a picture in another split", "4.png is "),
        (lossy, "label map in a lossy format", "1.jpg"),
        (clash, "pictures that share a label map", "1.webp and 1.png"),
        (mirrored, "left and right swapped", "l_brow, l_eye on the picture's left, elsewhere on its right"),
        (swapped, "left and right swapped", "l_brow, l_eye on the picture's left"),
    ],
)
def test_each_fault_is_found_and_wrong(
    faces: Path, spoil: Callable[[Path], None], kind: str, text: str
) -> None:
    spoil(faces)
    found = check(faces)
    assert found.wrong
    assert kind in kinds(found)
    assert text in kinds(found)[kind][0]
    assert sum(map(len, kinds(found).values())) - (spoil.__name__ == "no_picture") == 1, kinds(found)


def test_a_pair_named_the_wrong_way_round(faces: Path) -> None:
    with Image.open(faces / "labels" / "1.png") as file:
        labels = np.array(file)
    left, right = (labels == CELEB.id(name) for name in ("l_eye", "r_eye"))
    labels[left], labels[right] = CELEB.id("r_eye"), CELEB.id("l_eye")
    Image.fromarray(labels).save(faces / "labels" / "1.png")
    (text,) = kinds(check(faces))["left and right swapped"]
    assert text.endswith("l_eye on the picture's left, elsewhere on its right; l_brow as usual")


def test_a_set_that_means_the_other_left(faces: Path) -> None:
    for i in range(6):
        face(faces, str(i), swap=True, seed=i)
    found = check(faces)
    assert found.left_lies == "left"
    assert list(kinds(found)) == ["the other left"]
    assert "left half in 6 of 6 pictures" in kinds(found)["the other left"][0]


def test_likenesses_are_worth_a_look(faces: Path) -> None:
    with Image.open(faces / "images" / "4.png") as file:
        file.save(faces / "images" / "1.jpg", quality=60)
        ImageOps.mirror(file).point(lambda v: v // 2 + 20).save(faces / "images" / "2.bmp")
    for stem in ("1", "2"):
        (faces / "images" / f"{stem}.png").unlink()
    found = check(faces)
    assert not found.wrong
    texts = kinds(found)
    assert sorted(t.split(": ")[1] for t in texts["resembles a picture in another split"]) == [
        "mirrored",
        "nearly the same",
    ]
    assert texts["resembles a picture in the same split"][0].endswith("mirrored")


def test_flat_pictures_resemble_nothing() -> None:
    assert list(pairs_alike(np.full((3, 256), 7, np.float32))) == []
    assert list(pairs_alike(np.zeros((0, 0), np.float32))) == []


@pytest.mark.parametrize("kind", sorted(all_kinds()))
def test_every_kind_can_be_checked(kind: str, tmp_path: Path) -> None:
    root = getattr(made, kind.replace("-", "_"))(tmp_path / "set")
    given = CELEB if kind in ("folder", "celebamask-hq") else None
    found = check_dataset(root, kind=kind, scheme=given)
    side = made.MASK if kind == "celebamask-hq" else made.PICTURE
    assert found.pixels.sum() == side**2 * len(found.samples)
    assert not {"unreadable file", "picture and label map of different sizes"} & found.kinds.keys()


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")
@pytest.mark.parametrize("spoil", [pipe, endless, lambda path: path.write_bytes(b"caf\xe9\n")])
def test_a_text_that_cannot_be_read_does_not_end_the_check(
    faces: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(faces / "notes.txt")
    assert not check(faces).wrong
    spoil(faces / "train.txt")
    found = check(faces)
    (text,) = kinds(found)["split that cannot be opened"]
    assert "train.txt" in text
    assert dict(found.splits) == {"val": 2, "all": 6}


def test_a_set_without_one_good_picture_is_checked(faces: Path) -> None:
    for path in (faces / "images").iterdir():
        path.write_bytes(b"broken")
    check = check_dataset(faces, scheme="celebamask19")
    assert len(check.kinds["unreadable file"]) == 6


def test_a_split_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    root = made.lapa(tmp_path / "set")
    next((root / "val" / "labels").iterdir()).unlink()
    found = check_dataset(root, kind="lapa")
    assert found.wrong
    assert "has no labels/" in kinds(found)["split that cannot be opened"][0]


@pytest.mark.parametrize(
    "text", ["106\n1 2\n", "1e300 0\n" * 106, "nan 0\n" * 106, "", "x y\n" * 106, "\0" * 99]
)
def test_broken_landmarks_are_found(text: str, tmp_path: Path) -> None:
    root = made.lapa(tmp_path / "set")
    path = next((root / "val" / "landmarks").iterdir())
    path.write_text(text)
    assert path.name in kinds(check_dataset(root, kind="lapa"))["unreadable file"][0]


def test_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a data set folder"):
        check(tmp_path)
    with pytest.raises(LabelError, match="no label scheme"):
        check_dataset(made.folder(tmp_path / "x"), scheme="none")
    with pytest.raises(DataError, match="does not say which label scheme"):
        check_dataset(tmp_path / "x")


def test_a_look_survives_anything(faces: Path) -> None:
    found = check(faces)
    dataset, index = found.samples[str(faces / "images" / "0.png")]
    for folder in ("images", "labels"):
        (faces / folder / "0.png").unlink()
    seen = inspect(dataset, index)
    assert len(seen.faults) == 2
    assert (seen.sizes, seen.digest) == ("", b"")


@pytest.mark.shared
def test_rendered_faces_mean_the_viewers_left(shared: Path) -> None:
    found = check_dataset(shared / "data" / "facesynthetics50", scheme="synthface19", jobs=2)
    assert found.left_lies == "left"
    assert "the other left" not in found.kinds


def test_masks_of_0_and_255_are_named(faces: Path) -> None:
    for path in (faces / "labels").iterdir():
        mask = np.where(np.asarray(Image.open(path)) > 0, 255, 0).astype(np.uint8)
        Image.fromarray(mask).save(path)
    found = kinds(check_dataset(faces, scheme="face2"))
    assert "divide the label maps by 255 for face" in found["masks of 0 and 255"][0]


def test_a_sheet_shows_findings_first_and_leaves_out_what_cannot_be_read(faces: Path) -> None:
    assert check_sheet(check(faces)).shape[1] == 6 * (256 + 6) + 6
    labels = np.array(Image.open(faces / "labels" / "3.png"))
    labels[0, 0] = 99
    Image.fromarray(labels).save(faces / "labels" / "3.png")
    (faces / "images" / "0.png").write_bytes(b"none")
    sheet = check_sheet(check(faces))
    assert sheet.shape[1] == 5 * (256 + 6) + 6
    np.testing.assert_array_equal(sheet[6:70, 6:70], np.asarray(Image.open(faces / "images" / "3.png")))
