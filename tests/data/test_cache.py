"""Decoded samples kept in memory or on disk."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data import Dataset, FolderDataset, kinds, open_dataset
from faceparse.data.cache import cache
from faceparse.data.celebamaskhq import CelebAMaskHQ
from faceparse.data.derived import Concatenated
from faceparse.data.unlabelled import Unlabelled
from faceparse.labels import Scheme
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
    kept = cache(faces, tmp_path / "cache" if where == "disk" else where)
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
    list(cache(faces, tmp_path / "cache"))
    path = Path(faces.names[0])
    stamp = path.stat()
    first = faces[0].image
    path.write_bytes(b"unreadable now".ljust(stamp.st_size))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert (cache(faces, tmp_path / "cache")[0].image == first).all()


def test_a_changed_picture_is_read_anew(faces: FolderDataset, tmp_path: Path) -> None:
    list(cache(faces, tmp_path / "cache"))
    path = Path(faces.names[0])
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    os.utime(path, ns=(1, 1))
    assert not cache(faces, tmp_path / "cache")[0].image.any()


def _kind(kind: str, tmp_path: Path) -> tuple[Dataset, Path]:
    """A data set, and the file of its first sample's labels, or of one part of them."""
    root = getattr(made, kind.replace("-", "_"))(tmp_path / "set")
    data = open_dataset(kind, root, "all", "celebamask19" if kind in ("folder", "celebamask-hq") else None)
    image = Path(data.names[0])
    return data, {
        "folder": root / "labels" / f"{image.stem}.png",
        "celebamask-hq": made.part_path(root, int(image.stem), "hat") if image.stem.isdecimal() else image,
        "lapa": image.parent.parent / "labels" / f"{image.stem}.png",
        "helen": image.with_name(image.stem.removesuffix("_image") + "_label.png"),
        "facesynthetics": image.with_name(f"{image.stem}_seg.png"),
    }[kind]


# Samples of packed data sets have no files of their own.
@pytest.mark.parametrize("kind", sorted({*kinds()} - {"parquet", "webdataset"}))
def test_a_mended_label_file_is_read_anew(kind: str, tmp_path: Path) -> None:
    data, file = _kind(kind, tmp_path)
    before = cache(data, tmp_path / "cache")[0].labels
    with Image.open(file) as old:
        mended = np.full(old.size[::-1], 255 if kind == "celebamask-hq" else 1, np.uint8)
    Image.fromarray(mended).save(file)
    os.utime(file, ns=(1, 1))
    after = cache(data, tmp_path / "cache")[0].labels
    assert (after == data[0].labels).all()
    assert (after != before).any()
    assert np.unique(after).size == 1


@pytest.mark.parametrize("kind", ["lapa", "facesynthetics", "helen"])
def test_mended_landmarks_are_read_anew(kind: str, tmp_path: Path) -> None:
    root = getattr(made, kind)(tmp_path / "set")
    list(cache(open_dataset(kind, root, "all"), tmp_path / "cache"))
    for file in root.rglob("*.txt"):
        file.write_text(file.read_text().replace(" 2", " 3"))
        os.utime(file, ns=(1, 1))
    data = open_dataset(kind, root, "all")
    for mine, theirs in zip(cache(data, tmp_path / "cache"), data, strict=True):
        np.testing.assert_array_equal(mine.landmarks, theirs.landmarks)


def test_one_folder_keeps_schemes_and_pictures_without_labels_apart(tmp_path: Path) -> None:
    root = made.celebamask_hq(tmp_path / "set")
    own = [Scheme("own", ("background", *classes)) for classes in (("hair", "skin"), ("skin", "hair"))]
    sets: list[Dataset] = [CelebAMaskHQ(root, "all", scheme) for scheme in own]
    sets.append(Concatenated(sets[0], Unlabelled(root / "CelebA-HQ-img", own[0])))
    for data in sets:
        for _ in range(2):
            for mine, theirs in zip(cache(data, tmp_path / "cache"), data, strict=True):
                np.testing.assert_array_equal(mine.labels, theirs.labels)


@pytest.mark.parametrize("left", [0, 5, 100, 300, -1])
def test_a_cache_file_cut_short_is_made_anew(tmp_path: Path, left: int) -> None:
    data = open_dataset("lapa", made.lapa(tmp_path / "set"), "train")
    list(cache(data, tmp_path / "cache"))
    files = sorted((tmp_path / "cache").rglob("*.npz"))
    whole = [file.read_bytes() for file in files]
    assert len(files) == 2
    assert min(map(len, whole)) > left
    for file in files:
        file.write_bytes(file.read_bytes()[:left])
    for mine, theirs in zip(cache(data, tmp_path / "cache"), data, strict=True):
        assert (mine.image == theirs.image).all()
        assert (mine.labels == theirs.labels).all()
        np.testing.assert_array_equal(mine.landmarks, theirs.landmarks)
    assert [file.read_bytes() for file in files] == whole


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_landmarks_are_kept_too(tmp_path: Path, where: str) -> None:
    data = open_dataset("helen", made.helen(tmp_path / "helen"), "train")
    kept = cache(data, tmp_path / "cache" if where == "disk" else where)
    for _ in range(2):
        for mine, theirs in zip(kept, data, strict=True):
            np.testing.assert_array_equal(mine.landmarks, theirs.landmarks)
