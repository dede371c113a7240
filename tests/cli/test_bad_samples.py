"""A bad file in a data set: no program is started, nothing hangs, the file is named; scans count it and go on."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran
from tests.data import made
from tests.pictures.kinds import tiff

Command = Callable[..., Ran]


def eps(path: Path) -> None:
    """A program's work, did anyone start it."""
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def tile(path: Path) -> None:
    tags = {256: 64, 257: 64, 258: 8, 259: 5, 262: 1, 277: 1, 322: 26000, 323: 26000}
    path.write_bytes(tiff(tags, [bytes(99)], 324, 325))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")
each_fault = pytest.mark.parametrize("spoil", [eps, pipe, endless, tile, folder])
each_file = pytest.mark.parametrize("bad", ["images/1.jpg", "labels/1.png"])


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    root = made.folder(tmp_path / "faces", 3)
    (root / "train.txt").write_text("0\n1\n")
    return root


@each_file
@each_fault
def test_check_counts_it(spoil: Callable[[Path], None], bad: str, faces: Path, faceparse: Command) -> None:
    spoil(faces / bad)
    ran = faceparse("data", "check", faces, "--scheme", "celebamask19", "--sheet", faces / "sheet.png")
    assert (ran.code, ran.err) == (1, "")
    assert "WRONG: unreadable file, 1" in ran.out
    assert bad in ran.out
    assert (faces / "sheet.png").is_file()


@each_file
@each_fault
def test_evaluate_names_it(
    spoil: Callable[[Path], None], bad: str, faces: Path, tiny_path: Path, faceparse: Command
) -> None:
    spoil(faces / bad)
    words = ("--data.scheme", "celebamask19", "--split", "train", "--model", tiny_path, "--draws", 0)
    ran = faceparse("evaluate", "--data.root", faces, *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert bad in ran.err


@pytest.mark.parametrize("bad", ["CelebA-HQ-img/0.jpg", "CelebAMask-HQ-mask-anno/0/00000_skin.png"])
@pytest.mark.parametrize("spoil", [eps, pipe, endless, tile])
def test_prepare_leaves_it_out(
    spoil: Callable[[Path], None], bad: str, tmp_path: Path, faceparse: Command
) -> None:
    source = made.celebamask_hq(tmp_path / "src")
    spoil(source / bad)
    ran = faceparse("data", "prepare", "celebamask-hq", source, tmp_path / "dst")
    assert (ran.code, ran.err) == (0, "")
    assert "2 written, 1 left out" in ran.out
    assert bad in (tmp_path / "dst" / "dataset.json").read_text()


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@each_file
@pytest.mark.parametrize("spoil", [eps, pipe])
def test_train_names_it_and_leaves_no_folder(
    spoil: Callable[[Path], None], bad: str, faces: Path, tmp_path: Path, faceparse: Command
) -> None:
    pytest.importorskip("pytorch_lightning")
    spoil(faces / bad)
    words = [
        "--recipe", "default", "--data.root", faces, "--data.scheme", "celebamask19", "--data.workers", 0,
        "--output", tmp_path / "run", "--batch_size", 1, "--sizes", "[[0, 64]]", "--epochs", 1,
        "--trainer.enable_progress_bar", "false",
    ]  # fmt: skip
    ran = faceparse("train", *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert bad in ran.err
    assert not (tmp_path / "run").exists()
