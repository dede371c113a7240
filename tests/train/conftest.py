"""A tiny made data set: dark background, bright disc as face, two eyes on it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.labels import scheme


@pytest.fixture
def made_faces(tmp_path: Path) -> Path:
    """Four 64 × 64 pictures with splits train and val, scheme celebamask19."""
    return make_faces(tmp_path / "faces")


def make_faces(root: Path, count: int = 4) -> Path:
    """What `made_faces` gives, in a folder of one's choice; more pictures are all for training."""
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    celeb = scheme("celebamask19")
    y, x = np.mgrid[:64, :64]
    for i in range(count):
        labels = np.zeros((64, 64), np.uint8)
        labels[(x - 32) ** 2 + (y - 32) ** 2 < 24**2] = celeb.id("skin")
        labels[(x - 42) ** 2 + (y - 26) ** 2 < 5**2] = celeb.id("l_eye")
        labels[(x - 22) ** 2 + (y - 26) ** 2 < 5**2] = celeb.id("r_eye")
        if i == 3:
            labels[:10] = celeb.id("hat")
        Image.fromarray(celeb.palette[labels]).save(root / "images" / f"{i}.png")
        Image.fromarray(labels).save(root / "labels" / f"{i}.png")
    training = [0, 1, *range(3, count)]
    (root / "train.txt").write_text("".join(f"{i}\n" for i in training))
    (root / "val.txt").write_text("2\n3\n")
    return root
