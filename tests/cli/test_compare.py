"""`faceparse compare`: the sheet, the table, and its faults in one line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Ran


@pytest.fixture
def photos(tmp_path: Path, collins_path: Path) -> Path:
    folder = tmp_path / "photos"
    (tmp_path / "truth").mkdir()
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(collins_path, folder / f"{name}.jpg")
    Image.fromarray(np.full((64, 64), 17, np.uint8)).save(tmp_path / "truth" / "a.png")
    return folder


def test_two_models_on_a_folder(faceparse: Callable[..., Ran], photos: Path, tiny_path: Path) -> None:
    sheet = photos / "sheet.png"  # among the photos: no photo itself
    words = ("--model", tiny_path, "--model", "default", "--faces", "whole", "--side", 96)
    for again in ((), ("--overwrite",)):
        ran = faceparse("compare", photos, "-o", sheet, *words, "--labels", photos.parent / "truth", *again)
        assert (ran.code, ran.err) == (0, "")
        assert "2 photos" in ran.out
        assert all(word in ran.out for word in ("tiny", "default", "ms", "% differ", "F1"))
        with Image.open(sheet) as picture:
            assert picture.width < 3 * 110


def test_faults_are_one_line(
    faceparse: Callable[..., Ran], photos: Path, tiny_path: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "taken.png"
    taken.write_text("mine")
    for words, code, part in (
        (("-o", taken), 1, "exists"),
        (("-o", tmp_path / "a.gif"), 2, "name it .png"),
        (("-o", tmp_path / "a.png", "--model", "nothing"), 2, "no model 'nothing'"),
        (("-o", tmp_path / "a.png", "--labels", tmp_path), 2, "has no label map of these photos"),
        (("-o", tmp_path / "a.png", "--model", tiny_path, "--model", "fcn8s"), 2, "weights get fcn8s"),
    ):
        ran = faceparse("compare", photos, *words)
        assert (ran.code, ran.err.count("\n")) == (code, 1), ran.err
        assert part in ran.err
    assert taken.read_text() == "mine"
    assert not (tmp_path / "a.png").exists()
