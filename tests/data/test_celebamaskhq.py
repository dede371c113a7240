"""CelebAMask-HQ's download, quirks and all, to label maps."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse.data import FolderDataset
from faceparse.data.celebamaskhq import CelebAMaskHQ
from faceparse.data.prepare import prepare
from faceparse.errors import DataError, LabelError, OutputError
from faceparse.labels import Scheme, scheme
from tests.data import made

# The facts once more, so that no table of the package is its own proof.
ORDERS = {
    "celebamask19": "skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip neck neck_l "
    "cloth hair hat",
    "maskgan19": "skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r neck_l "
    "neck cloth",
    "segface-celeb19": "neck skin cloth l_ear r_ear l_brow r_brow l_eye r_eye nose mouth l_lip u_lip hair eye_g hat "
    "ear_r neck_l",
}
every_order = pytest.mark.parametrize("order", ORDERS)


def painted(masks: Mapping[str, NDArray[np.bool_]], order: str) -> NDArray[np.uint8]:
    """Pixel by pixel: the last part in the order that covers it."""
    names = ORDERS[order].split()
    height, width = next(iter(masks.values())).shape
    labels = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            covering = [i for i, name in enumerate(names, 1) if name in masks and masks[name][y, x]]
            labels[y, x] = covering[-1] if covering else 0
    return labels


def labels_of(target: Path, name: object) -> NDArray[np.uint8]:
    with Image.open(target / "labels" / f"{name}.png") as file:
        return np.asarray(file)


@pytest.fixture
def quirky(tmp_path: Path) -> Path:
    """A download with everything unusual that was seen or thought of; 0 alone is clean."""
    root = made.celebamask_hq(tmp_path / "quirky", (0, 1, 2, 5, 6, 7, 8, 2001))
    masks = {n: made.part_masks(n) for n in (1, 2, 2001)}
    made.part_path(root, 1, "nose").unlink()
    made.write_part(made.part_path(root, 1, "hat"), np.zeros((16, 16), bool))
    gray = np.where(masks[1]["hair"], 200, 30).astype(np.uint8)
    Image.fromarray(gray).save(made.part_path(root, 1, "hair"))
    made.write_part(made.part_path(root, 2, "skin"), masks[2]["skin"], "P")
    made.write_part(made.part_path(root, 2, "cloth"), masks[2]["cloth"], "1")
    Image.fromarray(masks[2]["neck"].astype(np.uint8)).save(made.part_path(root, 2, "neck"))  # 0 and 1
    half = np.zeros((8, 8), bool)
    half[2:5, 1:6] = True
    made.write_part(made.part_path(root, 2, "hat"), half)
    masks_root = root / "CelebAMask-HQ-mask-anno"
    made.part_path(root, 2001, "hair").rename(masks_root / "0" / "02001_hair.png")  # in another folder
    made.write_part(masks_root / "0" / "02001_skin.png", np.ones((16, 16), bool))  # twice
    made.write_part(made.part_path(root, 2001, "beard"), np.ones((16, 16), bool))  # no such part
    (masks_root / "Thumbs.db").write_bytes(b"x")
    (masks_root / ".DS_Store").write_bytes(b"x")
    made.picture(3).save(root / "CelebA-HQ-img" / "3.jpg")  # without masks, in no split
    made.write_part(made.part_path(root, 4, "skin"), np.ones((16, 16), bool))  # without a picture
    for path in (made.part_path(root, 5, "skin"), root / "CelebA-HQ-img" / "6.jpg"):
        path.write_bytes(path.read_bytes()[:60])
    made.picture(7, (40, 30)).save(root / "CelebA-HQ-img" / "7.jpg")
    return root


@every_order
def test_label_maps_pixel_for_pixel(tmp_path: Path, order: str) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    prepare("celebamask-hq", source, tmp_path / "dst", order)
    direct = CelebAMaskHQ(source, "all", order)
    folder = FolderDataset(tmp_path / "dst", "all", order)
    assert len(direct) == len(folder) == 3
    for index, number in enumerate((0, 1, 2001)):
        expected = painted(made.part_masks(number), order)
        assert (labels_of(tmp_path / "dst", number) == expected).all()
        assert (direct[index].labels == expected).all()
        assert (folder[index].labels == expected).all()


@every_order
def test_quirks_change_only_what_they_must(quirky: Path, tmp_path: Path, order: str) -> None:
    target = tmp_path / "dst"
    assert prepare("celebamask-hq", quirky, target, order, jobs=2).counts == {"written": 6, "left out": 4}
    for folder in ("images", "labels"):
        names = {path.stem for path in (target / folder).iterdir()}
        assert names == {"0", "1", "2", "7", "8", "2001"}  # not 3, 4, 5, 6
    masks = made.part_masks(1)
    masks.pop("nose")
    masks["hat"] = np.zeros((16, 16), bool)
    assert (labels_of(target, 1) == painted(masks, order)).all()
    masks = made.part_masks(2)
    half = np.zeros((8, 8), bool)
    half[2:5, 1:6] = True
    masks["hat"] = half.repeat(2, 0).repeat(2, 1)
    assert (labels_of(target, 2) == painted(masks, order)).all()
    for number in (0, 7, 8, 2001):
        assert (labels_of(target, number) == painted(made.part_masks(number), order)).all()


def test_everything_unusual_is_reported(quirky: Path, tmp_path: Path) -> None:
    prepare("celebamask-hq", quirky, tmp_path / "dst")
    record = json.loads((tmp_path / "dst" / "dataset.json").read_text())
    assert (record["pictures"], record["left_out"]) == (6, 4)
    assert (record["scheme"], record["order"], record["size"]) == ("celebamask19", "celebamask19", "masks")
    findings = {kind: entry["first"] for kind, entry in record["findings"].items()}
    broken = findings.pop("unreadable file")
    assert ["00005_skin.png" in broken[0], "6.jpg" in broken[1], len(broken)] == [True, True, 2]
    assert findings == {
        "unknown file": ["Thumbs.db"],
        "missing part": ["1: nose"],
        "empty mask": ["00001_hat.png"],
        "gray mask": ["00001_hair.png"],
        "faint mask": ["00002_neck.png"],
        "mask of another size": ["00002_hat.png: 8×8, others 16×16"],
        "mask in another folder": ["0/02001_hair.png", "0/02001_skin.png"],
        "duplicate mask": ["1/02001_skin.png beside 0"],
        "unknown part": ["1/02001_beard.png"],
        "picture without masks": ["3.jpg"],
        "masks without a picture": ["00004"],
    }


def test_the_official_split(quirky: Path, tmp_path: Path) -> None:
    prepare("celebamask-hq", quirky, tmp_path / "dst")
    listed = {s: (tmp_path / "dst" / f"{s}.txt").read_text().split() for s in ("train", "val", "test")}
    # Places 0, 3, 6 of 0 1 2 5 6 7 8 2001 are train, and so on; 5 and 6 could not be read.
    assert listed == {"train": ["0", "8"], "val": ["1", "2001"], "test": ["2", "7"]}
    assert FolderDataset(tmp_path / "dst", "val").scheme == scheme("celebamask19")
    assert [p.stem for p in CelebAMaskHQ(quirky, "val", "maskgan19").names] == ["1", "6", "2001"]


@pytest.mark.parametrize(("size", "expected"), [("masks", 16), ("images", 32), (24, 24), ("24", 24)])
def test_picture_and_label_map_get_one_size(tmp_path: Path, size: str | int, expected: int) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    prepare("celebamask-hq", source, tmp_path / "dst", size=size)
    direct = CelebAMaskHQ(source, "all", "celebamask19")
    for index, sample in enumerate(FolderDataset(tmp_path / "dst", "all")):
        assert sample.image.shape == (expected, expected, 3)
        assert sample.labels.shape == (expected, expected)
        if size == "masks":
            assert (sample.labels == direct[index].labels).all()
            assert abs(sample.image.astype(int) - direct[index].image).mean() < 3  # but for JPEG
    if size == "images":
        copied = (tmp_path / "dst" / "images" / "1.jpg").read_bytes()
        assert copied == (source / "CelebA-HQ-img" / "1.jpg").read_bytes()
        one = labels_of(tmp_path / "dst", 1)
        assert (one[::2, ::2] == painted(made.part_masks(1), "celebamask19")).all()


def test_a_stopped_run_goes_on_where_it_was(quirky: Path, tmp_path: Path) -> None:
    whole, target = tmp_path / "whole", tmp_path / "dst"
    prepare("celebamask-hq", quirky, whole)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("celebamask-hq", quirky, target, progress=stop)
    with (target / "prepare.jsonl").open("ab") as journal:
        journal.write(
            '["2", "written", [["mask of another size", "8×8'.encode()[:-2]
        )  # cut off while writing
    first = (target / "labels" / "0.png").stat().st_mtime_ns
    again = prepare("celebamask-hq", quirky, target)
    assert again.counts["skipped"] >= 2
    assert (target / "labels" / "0.png").stat().st_mtime_ns == first
    for path in whole.rglob("*"):
        if path.is_file() and path.name != "prepare.jsonl":
            assert (target / path.relative_to(whole)).read_bytes() == path.read_bytes(), path.name
    assert not list(target.rglob("*.part"))
    assert prepare("celebamask-hq", quirky, target).counts == {"skipped": 6, "left out": 4}


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '["0", "written", [[{}, [], 1]]]',
        '["0", {}, []]',
        '[["0"], "written", []]',
        '{"0": 1}',
        '["0", "written", [["kind", "text"]]]',
        '["../0", "written", []]',
        "\0" * 99,
    ],
    ids=range(8),
)
def test_a_damaged_line_of_the_journal_is_skipped(line: str, tmp_path: Path) -> None:
    source, target = made.celebamask_hq(tmp_path / "src"), tmp_path / "dst"
    prepare("celebamask-hq", source, target)
    (target / "prepare.jsonl").write_text(f"{line}\n")
    assert prepare("celebamask-hq", source, target).counts == {"written": 3}
    assert prepare("celebamask-hq", source, target).counts == {"skipped": 3}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and links of Unix")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_journal_that_is_a_link_or_a_pipe_is_not_written_to(overwrite: bool, tmp_path: Path) -> None:
    source, target = made.celebamask_hq(tmp_path / "src"), tmp_path / "dst"
    prepare("celebamask-hq", source, target)
    journal, victim = target / "prepare.jsonl", tmp_path / "victim.txt"
    victim.write_text("precious")
    for linked in (True, False):
        journal.unlink()
        if linked:
            journal.symlink_to(victim)
        else:
            os.mkfifo(journal)
        with pytest.raises(OutputError, match="not a regular file"):
            prepare("celebamask-hq", source, target, overwrite=overwrite)
    assert victim.read_text() == "precious"


def test_the_download_is_only_read(quirky: Path, tmp_path: Path) -> None:
    def state() -> dict[Path, tuple[bytes, int]]:
        return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in quirky.rglob("*") if p.is_file()}

    before = state()
    prepare("celebamask-hq", quirky, tmp_path / "dst")
    list(CelebAMaskHQ(quirky, "val", "celebamask19").names)
    assert state() == before


def test_one_folder_holds_one_preparation(tmp_path: Path) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    prepare("celebamask-hq", source, tmp_path / "dst")
    with pytest.raises(DataError, match=r"prepared with scheme celebamask19, not maskgan19.*--overwrite"):
        prepare("celebamask-hq", source, tmp_path / "dst", "maskgan19")
    with pytest.raises(DataError, match="prepared with size masks, not 64"):
        prepare("celebamask-hq", source, tmp_path / "dst", size=64)
    again = prepare("celebamask-hq", source, tmp_path / "dst", "maskgan19", size=64, overwrite=True)
    assert again.counts == {"written": 3}
    assert FolderDataset(tmp_path / "dst", "all")[0].image.shape == (64, 64, 3)
    assert json.loads((tmp_path / "dst" / "dataset.json").read_text())["scheme"] == "maskgan19"
    with pytest.raises(DataError, match="is not empty and not a prepared data set"):
        prepare("celebamask-hq", source, made.folder(tmp_path / "other"))
    (tmp_path / "other" / "dataset.json").write_text('{"scheme": "celebamask19"}')  # a data set of one's own
    with pytest.raises(DataError, match="prepared with source None, not celebamask-hq"):
        prepare("celebamask-hq", source, tmp_path / "other")


@pytest.mark.parametrize(
    ("classes", "named"),
    [(("zebra", "hair"), "zebra"), (("face", "Skin"), "face, Skin"), ((), "only background")],
)
def test_a_class_that_no_part_makes_is_refused(tmp_path: Path, classes: tuple[str, ...], named: str) -> None:
    own = Scheme("own", ("background", *classes))
    with pytest.raises(LabelError, match=f"'own' has {named}, .*skin, l_brow") as caught:
        CelebAMaskHQ(made.celebamask_hq(tmp_path / "src"), "all", own)
    assert "\n" not in str(caught.value)


def test_a_users_own_order(tmp_path: Path) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    own = Scheme("own3", ("background", "hair", "skin"))
    findings = prepare("celebamask-hq", source, tmp_path / "dst", own).record["findings"]
    masks = made.part_masks(1)
    expected = np.where(masks["skin"], 2, np.where(masks["hair"], 1, 0))
    assert (labels_of(tmp_path / "dst", 1) == expected).all()
    assert findings["parts outside the order"]["count"] == 3
    assert FolderDataset(tmp_path / "dst", "all").scheme == own


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("list_eval_partition.txt", None, "which comes with CelebA: put it there"),
        ("CelebA-HQ-to-CelebA-mapping.txt", None, "needs .*CelebA-HQ-to-CelebA-mapping.txt"),
        ("list_eval_partition.txt", "000101.jpg\n", "line 1: expected CelebA's file and 0, 1 or 2"),
        ("list_eval_partition.txt", "000101.jpg 3\n", r"gives 000101.jpg \(picture 0\) the split 3"),
        ("list_eval_partition.txt", "000102.jpg 1\n", "gives 000101.jpg .* the split None"),
        ("CelebA-HQ-to-CelebA-mapping.txt", "0 1\n", "line 1: expected a number"),
        (
            "CelebA-HQ-to-CelebA-mapping.txt",
            "0 1 000101.jpg\nx 1 a.jpg\n",
            "line 2: expected a number, got 'x'",
        ),
    ],
)
def test_bad_split_files_are_one_line(tmp_path: Path, file: str, text: str | None, message: str) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    if text is None:
        (source / file).unlink()
    else:
        (source / file).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        CelebAMaskHQ(source, "train", "maskgan19")
    assert "\n" not in str(caught.value)
    assert len(CelebAMaskHQ(source, "all", "maskgan19")) == 3
    assert len(CelebAMaskHQ(source, "0-70%", "maskgan19")) == 2


def test_the_partition_may_lie_beside_the_download(tmp_path: Path) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    (source / "list_eval_partition.txt").rename(tmp_path / "list_eval_partition.txt")
    assert len(CelebAMaskHQ(source, "train", "maskgan19")) == 1


def test_bad_options(tmp_path: Path) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    with pytest.raises(DataError, match="name the painting order"):
        CelebAMaskHQ(source, "all")
    for size in ("large", 3, "-5", 4097, "999999"):
        with pytest.raises(DataError, match="size is masks, images or a number of pixels, 16 to 4096; got"):
            prepare("celebamask-hq", source, tmp_path / "dst", size=size)
    for path in (source / "CelebA-HQ-img").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="has 0 pictures, and masks of 3 pictures: unpack"):
        CelebAMaskHQ(source, "all", "maskgan19")
