"""Decoded samples kept in memory or on disk."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data import FolderDataset, open_dataset
from faceparse.data.cache import cached
from tests.data import made


@pytest.fixture
def faces(tmp_path: Path) -> FolderDataset:
    root = tmp_path / "faces"
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(root / "images" / f"{i}.png")
        Image.fromarray(rng.integers(0, 19, (20, 30), np.uint8)).save(root / "labels" / f"{i}.png")
    return FolderDataset(root, "all", "celebamask19")


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_cached_samples_are_the_same(faces: FolderDataset, tmp_path: Path, where: str) -> None:
    kept = cached(faces, tmp_path / "cache" if where == "disk" else where)
    for _ in range(2):  # filling, then serving
        assert len(kept) == len(list(kept)) == 3
        for mine, theirs in zip(kept, faces, strict=True):
            assert mine.name == theirs.name
            assert (mine.image == theirs.image).all()
            assert (mine.labels == theirs.labels).all()
    assert list(kept.names) == list(faces.names)
    assert (kept.labels(1) == faces.labels(1)).all()
    assert kept.scheme == faces.scheme


def test_the_disk_serves_without_the_pictures_being_decoded(faces: FolderDataset, tmp_path: Path) -> None:
    list(cached(faces, tmp_path / "cache"))
    path = Path(faces.names[0])
    stamp = path.stat()
    first = faces[0].image
    path.write_bytes(b"unreadable now")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert (cached(faces, tmp_path / "cache")[0].image == first).all()


def test_a_changed_picture_is_read_anew(faces: FolderDataset, tmp_path: Path) -> None:
    list(cached(faces, tmp_path / "cache"))
    path = Path(faces.names[0])
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    os.utime(path, ns=(1, 1))
    assert not cached(faces, tmp_path / "cache")[0].image.any()


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_landmarks_are_kept_too(tmp_path: Path, where: str) -> None:
    data = open_dataset("helen", made.helen(tmp_path / "helen"), "train")
    kept = cached(data, tmp_path / "cache" if where == "disk" else where)
    for _ in range(2):
        for mine, theirs in zip(kept, data, strict=True):
            np.testing.assert_array_equal(mine.landmarks, theirs.landmarks)
