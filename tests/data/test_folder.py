"""The images/ + labels/ layout."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data import FolderDataset
from faceparse.errors import DataError, LabelError


def make(root: Path, *, labels: str = "labels", names: tuple[str, ...] = ("a.jpg", "b.png")) -> Path:
    """A small data set: every label map is filled with the picture's number."""
    (root / "images").mkdir(parents=True)
    (root / labels).mkdir()
    for i, name in enumerate(names):
        Image.new("RGB", (24, 20), (10 * i, 0, 0)).save(root / "images" / name)
        Image.fromarray(np.full((20, 24), i, np.uint8)).save(root / labels / f"{Path(name).stem}.png")
    return root


@pytest.mark.parametrize("labels", ["labels", "masks"])
def test_reads_pairs_in_split_order(tmp_path: Path, labels: str) -> None:
    root = make(tmp_path / "d", labels=labels)
    (root / "train.txt").write_text("b\n\na.jpg\n")
    data = FolderDataset(root, "train", "celebamask19")
    assert [p.stem for p in data.names] == ["b", "a"]
    sample = data[0]
    assert sample.image.shape == (20, 24, 3)
    assert (sample.labels == 1).all()
    assert (data.labels(1) == 0).all()


def test_all_takes_every_labelled_picture(tmp_path: Path) -> None:
    root = make(tmp_path / "d")
    (root / "labels" / "a.png").unlink()
    assert len(FolderDataset(root, "all", "celebamask19")) == 1


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        FolderDataset(tmp_path / "none", "all", "celebamask19")
    root = make(tmp_path / "d")
    with pytest.raises(LabelError, match="no label scheme 'x'"):
        FolderDataset(root, "all", "x")
    with pytest.raises(DataError, match="no split 'test'"):
        FolderDataset(root, "test", "celebamask19")
    (root / "val.txt").write_text("zzz\n")
    with pytest.raises(DataError, match="names 'zzz'"):
        FolderDataset(root, "val", "celebamask19")
    (root / "val.txt").write_text("\n")
    with pytest.raises(DataError, match="no labelled picture"):
        FolderDataset(root, "val", "celebamask19")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
@pytest.mark.parametrize(("name", "split"), [("dataset.json", "all"), ("val.txt", "val")])
def test_what_is_no_regular_file_is_not_absent(tmp_path: Path, name: str, split: str) -> None:
    root = make(tmp_path / "d")
    os.mkfifo(root / name)
    with pytest.raises(DataError, match=f"cannot read .*{name}: it is not a regular file"):
        FolderDataset(root, split, "celebamask19")


def test_bad_files_are_named_when_read(tmp_path: Path) -> None:
    root = make(tmp_path / "d", names=("a.png", "b.png", "c.png"))
    Image.new("RGB", (24, 20)).save(root / "labels" / "a.png")
    Image.new("L", (24, 21)).save(root / "labels" / "b.png")
    (root / "images" / "c.png").write_text("not a picture")
    data = FolderDataset(root, "all", "celebamask19")
    for index, message in enumerate(
        ("mode RGB", "24×20 but its label map is 24×21", "c.png: it is not a picture")
    ):
        with pytest.raises(DataError, match=message):
            data[index]
