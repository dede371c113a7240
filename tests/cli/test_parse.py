"""`faceparse parse`: files, exit codes, and one clear line for everything that is wrong."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.labels import scheme
from faceparse.pictures import read_picture
from tests.cli.conftest import Ran
from tests.scenes import cat, page

Command = Callable[..., Ran]
TINY = Path(__file__).parents[1] / "engines" / "tiny.onnx"


def parse(faceparse: Command, *words: object) -> Ran:
    return faceparse("parse", *words, "--model", TINY)


@pytest.fixture
def photos(tmp_path: Path, collins_path: Path) -> Path:
    """A folder with a.jpg, a.png, sub/b.jpg."""
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    with Image.open(collins_path) as image:
        image.save(root / "a.jpg")
        image.resize((300, 200)).save(root / "a.png")
        image.resize((64, 64)).save(root / "sub" / "b.jpg")
    return root


def test_one_photo(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = parse(faceparse, collins_path, "-o", out)
    assert ran.code == 0, ran.err
    assert str(out / "collins_mask.png") in ran.out
    assert "1 written" in ran.out
    with Image.open(out / "collins_mask.png") as mask:
        assert mask.mode == "P"
        assert mask.size == (512, 512)
        assert np.asarray(mask).max() < 19
        colours = np.array((mask.getpalette() or [])[:57]).reshape(-1, 3)
    assert (colours == scheme("celebamask19").palette[:19]).all()
    assert read_picture(out / "collins_overlay.jpg").shape == (512, 512, 3)
    assert sorted(p.name for p in out.iterdir()) == [".faceparse", "collins_mask.png", "collins_overlay.jpg"]


def test_folder_is_mirrored(faceparse: Command, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = parse(faceparse, photos, "-o", out, "--recursive", "--save", "mask")
    assert ran.code == 0, ran.err
    written = sorted(str(p.relative_to(out)) for p in out.rglob("*.png"))
    assert written == ["a.jpg_mask.png", "a.png_mask.png", "sub/b_mask.png"]
    assert read_picture(out / "a.png_mask.png").shape == (200, 300, 3)


def test_rerun_skips_and_overwrite_redoes(faceparse: Command, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "2 written" in parse(faceparse, photos, "-o", out).out
    again = parse(faceparse, photos, "-o", out)
    assert again.code == 0
    assert "2 skipped (--overwrite redoes them)" in again.out
    assert "2 written" in parse(faceparse, photos, "-o", out, "--overwrite").out


def test_one_bad_picture_fails_alone(faceparse: Command, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.jpg").write_text("no picture")
    ran = parse(faceparse, photos, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "2 written, 1 failed" in ran.out
    assert ran.err.count("failed:") == 1
    assert "bad.jpg: it is not a picture" in ran.err


def test_scheme_and_panel(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    ran = parse(faceparse, collins_path, "-o", tmp_path, "--scheme", "face2", "--save", "mask,panel")
    assert ran.code == 0, ran.err
    with Image.open(tmp_path / "collins_mask.png") as mask:
        assert set(np.unique(np.asarray(mask))) <= {0, 1}
    assert read_picture(tmp_path / "collins_panel.jpg").shape[1] > 512


def test_threshold(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    shares = []
    for threshold in ("0.9", "0.1"):  # the second run redoes what the first one made
        words = (
            "-o",
            tmp_path,
            "--faces",
            "whole",
            "--scheme",
            "face2",
            "--save",
            "mask,heatmap,overlay",
            "--threshold",
            threshold,
        )
        ran = parse(faceparse, collins_path, *words)
        assert "1 written" in ran.out, ran.err
        with (
            Image.open(tmp_path / "collins_mask.png") as mask,
            Image.open(tmp_path / "collins_heatmap.png") as heat,
        ):
            face, likely = np.asarray(mask) == 1, np.asarray(heat) / 255
        sure = np.abs(likely - float(threshold)) > 0.5 / 255
        np.testing.assert_array_equal(face[sure], (likely > float(threshold))[sure])
        shares.append(face.mean())
    assert shares[0] < shares[1]


def test_a_side_that_never_occurs_is_told_once(faceparse: Command, tiny_path: Path, tmp_path: Path) -> None:
    celeb = scheme("celebamask19")
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(10):
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[8:24, 8:24] = celeb.palette[celeb.id("l_eye")]
        Image.fromarray(picture).save(photos / f"{i}.png")
    ran = parse(faceparse, photos, "-o", tmp_path / "out", "--faces", "whole")
    assert ran.code == 0
    assert ran.err.splitlines() == [
        line for line in ran.err.splitlines() if line.startswith("note: in 10 pictures ")
    ]
    assert ran.err.count("note: in 10 pictures the model labels l_eye and no r_eye") == 1
    quiet = parse(faceparse, photos, "-o", tmp_path / "out", "--faces", "whole", "--quiet", "--overwrite")
    assert quiet.err == ""
    Image.fromarray(celeb.palette[np.full((64, 64), celeb.id("r_eye"))]).save(photos / "right.png")
    both = parse(faceparse, photos, "-o", tmp_path / "out", "--faces", "whole", "--overwrite")
    assert both.err == ""


def test_inputs_are_never_touched(faceparse: Command, photos: Path) -> None:
    before = {p: p.read_bytes() for p in photos.rglob("*") if p.is_file()}
    parse(faceparse, photos, "-o", photos, "--recursive", "--overwrite")
    assert {p: p.read_bytes() for p in before} == before


def test_no_face(faceparse: Command, tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), "gray").save(tmp_path / "gray.png")
    ran = parse(faceparse, tmp_path / "gray.png", "-o", tmp_path / "out", "--faces", "each")
    assert ran.code == 1
    assert "gray.png: no face found" in ran.err
    assert parse(faceparse, tmp_path / "gray.png", "-o", tmp_path / "out").code == 0


def test_the_summary_and_the_log_speak_of_faces(faceparse: Command, tmp_path: Path) -> None:
    for name, image in (("cat", cat()), ("page", page())):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    log = tmp_path / "log"
    inputs = ("parse", tmp_path / "cat.png", tmp_path / "page.png", "-o", tmp_path)
    ran = faceparse(*inputs, "--save", "mask,json", "--log", log)
    assert "no face found in 2 pictures" in ran.out
    assert "1 detection" in ran.out
    lines = {
        Path(line.get("path", "run")).stem: line for line in map(json.loads, log.read_text().splitlines())
    }
    assert [lines["cat"][key] for key in ("faces", "trust", "false_faces", "looks")] == [0, [], 1, 1]
    assert (lines["run"]["summary"]["no_face"], lines["run"]["summary"]["false_faces"]) == (2, 1)
    (false,) = json.loads((tmp_path / "cat_parsing.json").read_text())["false_faces"]
    assert 0 < false["trust"] < 1
    faceparse(*inputs, "--no-face", "background", "--save", "mask")  # another identity: both are redone
    for name in ("cat", "page"):
        with Image.open(tmp_path / f"{name}_mask.png") as mask:
            assert not np.asarray(mask).any()
    failed = faceparse(*inputs, "--no-face", "fail", "--save", "mask")
    assert (failed.code, "2 failed" in failed.out) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scheme", "nope"], "no label scheme 'nope'; there are celebamask19"),
        (["--save", "mask,doodle"], "'doodle'"),
        (["--save", ","], "--save takes color, "),
        (
            ["--bits", "16"],
            "no chosen output form (mask, overlay) has an option 'bits'; heatmap, soft have it",
        ),
        (["--save", "soft", "--option", "bitts=16"], "did you mean 'bits'?"),
        (["--save", "ovelay"], "did you mean 'overlay'?"),
        (["--scheme", "lapa"], "did you mean 'lapa11'?"),
        (["--save", "soft", "--bits", "12"], "bits: expected a whole number, 8 or 16; got 12"),
        (["--save", "soft", "--classes", "hair,beak"], "no class or group 'beak'"),
        (["--alpha", "2"], "alpha: expected a number, 0 to 1; got 2.0"),
        (["--option", "quality=loud"], "quality: expected a whole number; got 'loud'"),
        (["--option", "quality"], "--option takes NAME=VALUE"),
        (["--engine", "steam"], "no engine 'steam'"),
        (["--threshold", "0.7"], "scheme 'celebamask19' has 19: take scheme face2 (--scheme face2)"),
        (["--threshold", "7", "--scheme", "face2"], "a threshold is a probability, 0 to 1, got 7"),
        (["--faces", "some"], "faces is auto, whole, each, largest; got 'some'"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_bad_choices_are_one_line(
    faceparse: Command, collins_path: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    ran = parse(faceparse, collins_path, "-o", tmp_path / "out", *words)
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.startswith("faceparse: ")
    assert len(ran.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_largest_picture_to_decode(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    ran = parse(faceparse, collins_path, "-o", tmp_path / "out", "--max-pixels", 512 * 512 - 1)
    assert ran.code == 1
    assert "512×512 px, more than 262143 pixels" in ran.err
    assert parse(faceparse, collins_path, "-o", tmp_path / "out", "--max-pixels", 512 * 512).code == 0


def test_an_address(faceparse: Command, tmp_path: Path) -> None:
    ran = parse(faceparse, "https://example.org/a.jpg", "-o", tmp_path / "out")
    assert ran.code == 2
    assert "addresses are not fetched, download it first" in ran.err


def test_a_name_that_the_terminal_cannot_show(
    faceparse: Command, collins_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coded = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(coded, "cp1252", errors="strict"))
    (tmp_path / "名.jpg").write_bytes(collins_path.read_bytes())
    assert parse(faceparse, tmp_path / "名.jpg", "-o", tmp_path / "out").code == 0
    sys.stdout.flush()
    assert b"\\u540d_mask.png" in coded.getvalue()


@pytest.mark.parametrize("model", ["no-such-model", "missing.onnx", "text.onnx"])
def test_bad_models_are_one_line(
    faceparse: Command, collins_path: Path, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.onnx").write_text("I am no network")
    ran = faceparse("parse", collins_path, "-o", "out", "--model", model)
    assert ran.code == 2
    assert model in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_missing_inputs(faceparse: Command, tmp_path: Path) -> None:
    missing = parse(faceparse, tmp_path / "nowhere.jpg", "-o", tmp_path / "out")
    assert (missing.code, missing.err) == (
        2,
        f"faceparse: no such file or folder: {tmp_path / 'nowhere.jpg'}\n",
    )
    (tmp_path / "empty").mkdir()
    empty = parse(faceparse, tmp_path / "empty", "-o", tmp_path / "out")
    assert empty.code == 2
    assert "no picture (.jpg" in empty.err


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="a Unix device")
def test_a_device_is_no_picture(faceparse: Command, tmp_path: Path) -> None:
    ran = parse(faceparse, "/dev/null", "-o", tmp_path / "out")
    assert (ran.code, ran.err) == (2, "faceparse: /dev/null is neither a file nor a folder\n")


def test_output_in_the_way(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    ran = parse(faceparse, collins_path, "-o", blocked)
    assert ran.code == 1
    assert "file: it is a file; name a folder" in ran.err
    assert blocked.read_text() == "in the way"


def test_a_gpu_that_is_not_there(faceparse: Command, collins_path: Path, tmp_path: Path) -> None:
    ran = parse(faceparse, collins_path, "-o", tmp_path / "out", "--device", "cuda")
    if ran.code == 0:
        pytest.skip("this machine has a GPU that ONNX Runtime can use")
    assert ran.code == 2
    assert "cuda" in ran.err.lower()
    assert "pip install" in ran.err
