"""`faceparse parse photo.jpg -o hair.png`: one picture, one form, one file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.results import Parsing
from tests.cli.conftest import Ran

Command = Callable[..., Ran]
TINY = Path(__file__).parents[1] / "engines" / "tiny.onnx"


@pytest.fixture
def parse(faceparse: Command, collins_path: Path) -> Command:
    return lambda *words: faceparse("parse", collins_path, "--model", TINY, *words)


def test_a_cut_out_of_the_hair(parse: Command, tmp_path: Path) -> None:
    file = tmp_path / "new" / "hair.png"
    ran = parse("--save", "cutout", "--classes", "hair", "-o", file)
    assert (ran.code, ran.out) == (0, f"{file}\n"), ran.err
    assert [*file.parent.iterdir()] == [file]
    with Image.open(file) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (512, 512))


def test_the_ending_names_the_form(parse: Command, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.json", "a.npz", "A.PNG"):
        assert parse("-o", tmp_path / name, "--quiet").out == ""
    with Image.open(tmp_path / "a.png") as mask, Image.open(tmp_path / "a.jpg") as overlay:
        assert (mask.mode, overlay.mode) == ("P", "RGB")
        np.testing.assert_array_equal(Parsing.load(tmp_path / "a.npz").labels, np.asarray(mask))
    assert "faces" in json.loads((tmp_path / "a.json").read_text())
    assert (tmp_path / "A.PNG").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_an_ending_that_no_form_has(parse: Command, tmp_path: Path) -> None:
    ran = parse("-o", tmp_path / "a.webp")
    assert (ran.code, ran.out) == (2, "")
    assert "no form is written as .webp: name a " in ran.err
    assert ".png" in ran.err
    assert not [*tmp_path.iterdir()]
    (tmp_path / "b.webp").mkdir()
    assert parse("-o", tmp_path / "b.webp").code == 0, "a folder of that name is a folder"


def test_one_class_of_a_form_with_a_file_for_each(parse: Command, tmp_path: Path) -> None:
    assert parse("--save", "soft", "--classes", "hair", "-o", tmp_path / "hair.png").code == 0
    every = parse("--save", "soft", "-o", tmp_path / "all.png")
    assert every.code == 2
    assert "soft writes 19 files" in every.err
    assert not (tmp_path / "all.png").exists()


def test_an_existing_file_needs_overwrite(parse: Command, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("mine")
    ran = parse("-o", file)
    assert ran.code == 1
    assert "exists already" in ran.err
    assert "--overwrite" in ran.err
    assert file.read_text() == "mine"
    assert parse("-o", file, "--overwrite").code == 0
    assert file.read_bytes()[:4] == b"\x89PNG"


def test_the_picture_itself_is_never_written_to(
    faceparse: Command, collins_path: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(collins_path.read_bytes())
    ran = faceparse("parse", photo, "-o", photo, "--model", TINY, "--overwrite")
    assert ran.code == 2
    assert "the picture itself" in ran.err
    assert photo.read_bytes() == collins_path.read_bytes()


def test_nor_is_the_list_of_pictures(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    paths = tmp_path / "list.json"
    paths.write_text(f"{collins_path}\n")
    ran = faceparse("parse", "--list", paths, "-o", paths, "--model", TINY, "--overwrite")
    assert ran.code == 2
    assert "inputs are never overwritten" in ran.err
    assert paths.read_text() == f"{collins_path}\n"


def test_a_folder_of_such_a_name_stays_a_folder(parse: Command, tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    assert parse("-o", tmp_path / "a.png", "--save", "mask").code == 0
    assert (tmp_path / "a.png" / "collins_mask.png").exists()
    assert parse("-o", tmp_path / "v1.0", "--save", "mask").code == 0
    assert (tmp_path / "v1.0" / "collins_mask.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--save", "mask,overlay", "-o", "a.png"], "a.png takes one picture and one form, got 1 and 2"),
        (["README.md", "-o", "a.png"], "a.png takes one picture and one form, got 2 and 1"),
        (["--save", "mask", "-o", "a.jpg"], "a.jpg takes the form overlay or panel, not mask"),
    ],
)
def test_what_does_not_fit_is_one_line(
    parse: Command, tmp_path: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("README.md").touch()
    ran = parse(*words)
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not Path(words[-1]).exists()
