"""Edited pictures as files, and the command."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from faceparse.cli.main import main
from tests.conftest import ROOT

SAMPLE = ROOT / "examples" / "collins.jpg"


def run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["edit", *map(str, words)])
    return int(ended.value.code or 0)


def saved(
    path: Path, change: Callable[[Image.Image], Image.Image] = lambda image: image, **options: Any
) -> Path:
    with Image.open(SAMPLE) as image:
        change(image.resize((320, 320))).save(path, **options)
    return path


def test_a_folder_is_edited_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.png", "c.webp", "d.gif"):
        saved(tmp_path / "in" / name)
    words = (
        tmp_path / "in",
        "-o",
        tmp_path / "out",
        "--edit",
        "hair=#a0522d",
        "--edit",
        "lips=crimson,strength=0.5",
    )
    assert run(*words) == 0
    assert "4 written" in capsys.readouterr().out
    names = ["a_edit.jpg", "b_edit.png", "c_edit.webp", "d_edit.png"]
    assert sorted(p.name for p in (tmp_path / "out").glob("*_edit.*")) == names
    for name in names:
        with Image.open(tmp_path / "out" / name) as image:
            assert image.size == (320, 320)
    assert run(*words) == 0
    assert "4 skipped" in capsys.readouterr().out
    assert run(*words[:3], "--edit", "hair=black") == 0
    assert "4 written" in capsys.readouterr().out


def test_results_are_no_pictures_to_parse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path / "a.jpg")
    assert run(tmp_path, "-o", tmp_path, "--edit", "soften") == 0
    with pytest.raises(SystemExit):
        main(["parse", str(tmp_path), "-o", str(tmp_path)])
    assert "1 written" in capsys.readouterr().out.splitlines()[-1]
    assert not list(tmp_path.glob("*_edit_mask*"))


def test_profile_and_exif_stay(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a camera", 6
    saved(tmp_path / "a.jpg", exif=exif, icc_profile=b"a profile")
    assert run(tmp_path / "a.jpg", "-o", tmp_path / "b.jpg", "--edit", "soften", "--no-face", "whole") == 0
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["icc_profile"] == b"a profile"
        assert dict(image.getexif()) == {0x010F: "a camera"}


def test_hidden_faces_have_no_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    saved(tmp_path / "a.jpg", exif=exif)
    assert run(tmp_path / "a.jpg", "-o", tmp_path / "b.jpg", "--edit", "anonymise") == 0
    with Image.open(tmp_path / "b.jpg") as image:
        assert not image.getexif()


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    with Image.open(SAMPLE) as image:
        deep = np.asarray(image.resize((320, 320))).astype(np.uint16) * 257 + 3
    cv2.imwrite(str(tmp_path / "a.png"), deep[..., ::-1])
    assert run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--edit", "lips=crimson") == 0
    edited = np.asarray(cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED))[..., ::-1]
    assert edited.dtype == np.uint16
    same = (edited == deep).all(-1)
    assert 0.9 < same.mean() < 1


def test_opacity_stays(tmp_path: Path) -> None:
    def with_alpha(image: Image.Image) -> Image.Image:
        image.putalpha(130)
        return image

    saved(tmp_path / "a.png", with_alpha)
    assert run(tmp_path / "a.png", "-o", tmp_path / "out", "--edit", "hair=white") == 0
    with Image.open(tmp_path / "out" / "a_edit.png") as image:
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema() == (130, 130)


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "LA", "1"])
def test_other_kinds_of_pictures_are_edited(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), lambda image: image.convert(mode))
    assert run(path, "-o", tmp_path / "out", "--edit", "hair=red", "--no-face", "whole") == 0
    with Image.open(next((tmp_path / "out").glob("a_edit.*"))) as image:
        assert image.size == (320, 320)


def test_transparency_needs_a_format_that_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path / "a.jpg")
    assert run(tmp_path / "a.jpg", "-o", tmp_path / "b.jpg", "--edit", "background=transparent") != 0
    assert "JPEG has no transparency" in capsys.readouterr().err
    assert not (tmp_path / "b.jpg").exists()
    assert run(tmp_path / "a.jpg", "-o", tmp_path / "b.png", "--edit", "background=transparent") == 0
    with Image.open(tmp_path / "b.png") as image:
        assert image.mode == "RGBA"


def test_transparent_edits_of_a_folder_of_jpegs_are_pngs(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    saved(tmp_path / "photos" / "a.jpg")
    assert run(tmp_path / "photos", "-o", tmp_path / "out", "--edit", "background=transparent") == 0
    with Image.open(tmp_path / "out" / "a_edit.png") as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")
    assert run(tmp_path / "photos", "-o", tmp_path / "out", "--edit", "background=blur") == 0
    assert [path.name for path in (tmp_path / "out").glob("a_edit.*")] == ["a_edit.jpg"]


def test_a_background_that_is_no_file_is_said_before_the_first_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(tmp_path / "a.jpg")
    assert run(tmp_path, "-o", tmp_path / "out", "--edit", "background=bluee") == 2
    assert "'bluee'" in capsys.readouterr().err


def test_a_picture_without_a_face_is_not_passed_on_as_anonymous(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full((200, 200, 3), 120, np.uint8)).save(tmp_path / "a.jpg")
    assert run(tmp_path, "-o", tmp_path / "out", "--edit", "anonymise") == 1
    assert "no face found" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*_edit.*"))
    assert run(tmp_path, "-o", tmp_path / "out", "--edit", "anonymise", "--no-face", "whole") == 0


def test_a_picture_of_one_pixel_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "a.png")
    assert run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--edit", "soften") == 1
    assert "1×1 px" in capsys.readouterr().err
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "LA", "1", "I;16", "RGBA"])
@pytest.mark.parametrize("edit", ["background=transparent", "anonymise"])
def test_every_kind_of_picture_is_cut_out_and_hidden(tmp_path: Path, mode: str, edit: str) -> None:
    def change(image: Image.Image) -> Image.Image:
        if mode == "I;16":
            return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
        return image.convert(mode)

    path = saved(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), change)
    assert run(path, "-o", tmp_path / "b.png", "--edit", edit, "--no-face", "whole") == 0
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (320, 320)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.jpg", "-o", "out", "--edit", "hair=blurple"], "a colour, such as"),
        (["a.jpg", "-o", "out", "--edit", "hair=red,strength=1.5"], "0 to 1"),
        (["a.jpg", "-o", "out", "--edit", "soften,strength=-1"], "0 to 1"),
        (["a.jpg", "-o", "out", "--edit", "soften,strength=nan"], "expected a number"),
        (["a.jpg", "-o", "out", "--edit", "background=blur,strength=0"], "0.01 to 1"),
        (["a.jpg", "-o", "out", "--edit", "background"], "a picture's path, blur or transparent"),
        (["a.jpg", "-o", "c.xyz", "--edit", "soften"], "no picture is written as .xyz"),
        (["a.jpg", "-o", "out", "--save", "mask"], "faceparse parse --save mask"),
        (["a.jpg", "-o", "out"], "say what to do"),
        (["--edit", "soften", "-o", "out"], "name pictures"),
        (["a.jpg", "--edit", "soften"], "name a folder"),
        (["a.jpg", "-o", "a.jpg", "--edit", "soften", "--overwrite"], "is the picture itself"),
        (["a.jpg", "b.jpg", "-o", "c.jpg", "--edit", "soften"], "takes one picture, got 2"),
        (["a.jpg", "-o", "c.jpg", "--edit", "soften", "--log", "-"], "--log needs an output folder"),
        (["a.jpg", "-o", "b.jpg", "--edit", "soften"], "b.jpg"),  # exists
        (["a.jpg", "-o", "out", "--edit", "background=nowhere.png"], "nowhere.png"),
    ],
)
def test_bad_words_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [saved(tmp_path / name).read_bytes() for name in ("a.jpg", "b.jpg")]
    assert run(*words) in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert [(tmp_path / name).read_bytes() for name in ("a.jpg", "b.jpg")] == before


def test_the_list_names_every_edit(capsys: pytest.CaptureFixture[str]) -> None:
    from faceparse.edits import EDITS

    assert run("--list") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in EDITS)


def test_stdin_becomes_a_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(saved(tmp_path / "a.jpg").read_bytes())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert run("-", "-o", tmp_path / "out", "--edit", "soften") == 0
    assert list((tmp_path / "out").glob("*_edit.png"))
