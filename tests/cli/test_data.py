"""`faceparse data`: preparing and checking from the command line."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data import FolderDataset
from tests.cli.conftest import Ran
from tests.data import made

Command = Callable[..., Ran]


def test_the_group_and_its_commands_explain_themselves(faceparse: Command) -> None:
    group = faceparse("data", "--help")
    assert (group.code, "prepare" in group.out, "check" in group.out) == (0, True, True)
    for command in ("prepare", "check"):
        ran = faceparse("data", command, "--help")
        assert ran.code == 0
        assert "Example:" in ran.out


def test_prepare_then_check(faceparse: Command, tmp_path: Path) -> None:
    source, target = made.celebamask_hq(tmp_path / "src"), tmp_path / "dst"
    ran = faceparse("data", "prepare", "celebamask-hq", source, target, "--order", "maskgan19", "--jobs", 2)
    assert ran.code == 0, ran.err
    assert f"3 written in {target}" in ran.out
    assert "train 1, val 1, test 1" in ran.out
    assert "RGB mask" not in ran.out  # as the data set's own are
    assert FolderDataset(target, "train").scheme.name == "maskgan19"
    again = faceparse("data", "prepare", "celebamask-hq", source, target, "--order", "maskgan19")
    assert "3 skipped (--overwrite redoes them)" in again.out
    checked = faceparse("data", "check", target, "--json", tmp_path / "c.json", "--sheet", tmp_path / "s.png")
    found = json.loads((tmp_path / "c.json").read_text())
    assert checked.code == int(found["wrong"])
    assert found["scheme"] == "maskgan19"
    assert found["splits"] == {"train": 1, "val": 1, "test": 1, "all": 3}
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.width > 3 * 256


def test_check_says_what_is_wrong_and_leaves_with_1(faceparse: Command, tmp_path: Path) -> None:
    root = made.folder(tmp_path / "f", 2, classes=2)
    assert faceparse("data", "check", root, "--scheme", "face2").code == 0
    Image.new("L", (32, 32), 7).save(root / "labels" / "0.png")
    (root / "images" / "1.jpg").write_text("no picture")
    ran = faceparse("data", "check", root, "--scheme", "face2", "--sheet", tmp_path / "s.png")
    assert ran.code == 1
    assert "WRONG: labels outside the scheme, 1" in ran.out
    assert "WRONG: unreadable file, 1" in ran.out
    assert ran.out.endswith("something is wrong\n")
    assert ran.err == ""


def test_a_download_whose_masks_are_smaller_is_not_wrong(faceparse: Command, tmp_path: Path) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    for number in (
        0,
        1,
        2001,
    ):  # the made parts lie at random; let each left one lie where the subject's left is
        for name in made.PARTS:
            if name.startswith(("l_", "r_")) and name != "l_lip":
                half = np.tile(np.arange(16) >= 8, (16, 1))
                made.write_part(made.part_path(source, number, name), half == name.startswith("l_"))
    ran = faceparse("data", "check", source, "--kind", "celebamask-hq", "--scheme", "maskgan19")
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert ran.out.endswith("nothing is wrong\n")


def test_published_layouts_are_evaluated_as_they_are(
    faceparse: Command, tmp_path: Path, tiny_path: Path
) -> None:
    words = ("evaluate", "--model", tiny_path, "--draws", 0, "--json", tmp_path / "e.json")
    for kind, split, count in (("lapa", "train", 2), ("helen", "test", 1), ("facesynthetics", "0-50%", 2)):
        root = getattr(made, kind)(tmp_path / kind)
        ran = faceparse(*words, "--data.kind", kind, "--data.root", root, "--split", split)
        assert ran.code == 0, ran.err
        assert json.loads((tmp_path / "e.json").read_text())["pictures"] == count


def test_parts_need_their_pictures(faceparse: Command, tmp_path: Path) -> None:
    made.write_part(tmp_path / "out" / "a_skin.png", made.part_masks(0)["skin"], "L")
    ran = faceparse("data", "prepare", "parts", tmp_path / "out", tmp_path / "dst")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "--images" in ran.err
    (tmp_path / "photos").mkdir()
    made.picture(0, (16, 16)).save(tmp_path / "photos" / "a.jpg")
    words = ("data", "prepare", "parts", tmp_path / "out", tmp_path / "dst", "--images", tmp_path / "photos")
    assert "1 written" in faceparse(*words).out


def test_kinds_are_listed(faceparse: Command) -> None:
    ran = faceparse("data", "check", ".", "--kind", "list")
    assert ran.code == 0
    assert "lapa: " in ran.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["prepare", "imagenet", "SRC", "DST"],
            "no preparation of 'imagenet'; there are celebamask-hq and parts",
        ),
        (["prepare", "celebamask-hq", "SRC", "DST", "--order", "nope"], "no label scheme 'nope'"),
        (["prepare", "celebamask-hq", "none", "DST"], "none is no CelebAMask-HQ download"),
        (["prepare", "celebamask-hq", "SRC", "DST", "--size", "3"], "size is masks, images or a number"),
        (["prepare", "celebamask-hq", "SRC", "DST", "--size", "999999"], "16 to 4096; got '999999'"),
        (
            ["prepare", "celebamask-hq", "SRC", "DST", "--order", "mine.yaml"],
            "'mine' has zebra, ",
        ),
        (["prepare", "celebamask-hq", "SRC", "SRC"], "SRC is or lies in SRC, which is only read"),
        (["prepare", "celebamask-hq", "SRC", "SRC/out"], "SRC/out is or lies in SRC, which is only read"),
        (["prepare", "celebamask-hq", "SRC", "FOLDER"], "is not empty and not a prepared data set"),
        (["check", "none", "--scheme", "face2"], "none is not a data set folder"),
        (["check", "FOLDER", "--scheme", "x.yaml"], "cannot read label scheme x.yaml"),
        (["check", "FOLDER", "--sheet", "a.jpg"], "--sheet writes a PNG"),
        (
            ["check", "FOLDER", "--scheme", "celebamask19", "--sheet", "LABEL"],
            "would replace a file of the data",
        ),
        (
            ["check", "FOLDER", "--scheme", "celebamask19", "--json", "LABEL"],
            "would replace a file of the data",
        ),
        (["check", "SRC", "--kind", "x"], "no kind of data set 'x'"),
        (["check", "FOLDER"], "does not say which label scheme it has"),
    ],
)
def test_bad_words_are_one_line(
    faceparse: Command, tmp_path: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made.celebamask_hq(Path("SRC"))
    made.folder(Path("FOLDER"))
    Path("mine.yaml").write_text("classes: [background, hair, zebra]")
    label = next(Path("FOLDER", "labels").iterdir())
    before = label.read_bytes()
    ran = faceparse("data", *(label if word == "LABEL" else word for word in words))
    assert label.read_bytes() == before
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not Path("DST").exists()
    assert not Path("SRC/out").exists()


def test_without_the_official_lists(faceparse: Command, tmp_path: Path) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    (source / "list_eval_partition.txt").unlink()
    ran = faceparse("data", "prepare", "celebamask-hq", source, tmp_path / "dst")
    assert ran.code == 2
    assert "comes with CelebA" in ran.err
    assert "--no-split" in ran.err
    assert faceparse("data", "prepare", "celebamask-hq", source, tmp_path / "dst", "--no-split").code == 0
    assert len(FolderDataset(tmp_path / "dst", "0-70%")) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
@pytest.mark.parametrize("option", ["--json", "--sheet"])
@pytest.mark.parametrize("place", ["file/c.png", "folder.png", "pipe.png", "n" * 300 + ".png"])
def test_places_are_looked_at_before_the_first_picture(
    option: str, place: str, faceparse: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = made.folder(tmp_path / "faces")
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.setattr("faceparse.data.check.inspect", None)  # whoever reads a picture fails otherwise
    ran = faceparse("data", "check", root, "--scheme", "celebamask19", option, tmp_path / place)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
