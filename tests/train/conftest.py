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


def make_hair(root: Path, count: int = 6) -> Path:
    """Pictures of which only hair is labelled, scheme hair2."""
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for i in range(count):
        labels = np.zeros((48, 80), np.uint8)
        labels[: 16 + i] = 1
        Image.fromarray(np.repeat(labels[..., None] * 120, 3, 2)).save(root / "images" / f"{i}.png")
        Image.fromarray(labels).save(root / "masks" / f"{i}.png")
    return root


def make_teacher(path: Path) -> Path:
    """A network of the default's kind and card, untrained."""
    torch = pytest.importorskip("torch")
    from faceparse.models import build
    from faceparse.weights import write_safetensors
    from faceparse.weights.modelfile import find_model

    with torch.random.fork_rng():
        torch.manual_seed(0)
        write_safetensors(path, build("fpn-efficientnet_lite0").state_dict(), find_model("default").card)
    return path


def two_of_each(folder: Path) -> list[str]:
    """Options of a run with a second data set that knows only hair, and two teachers."""
    return [
        "--data.also.hair.root", str(make_hair(folder / "hair")), "--data.also.hair.scheme", "hair2",
        "--data.also.hair.train", "not-every-3", "--data.also.hair.share", "0.4",
        "--teachers.box.model", "default", "--teachers.box.size", "64", "--teachers.box.classes", "skin,hair,hat",
        "--teachers.own.model", str(make_teacher(folder / "own.safetensors")), "--teachers.own.size", "64",
        "--teachers.own.weight", "0.5", "--agree", "0.05",
        "--augmentation.occlude", "0.5", "--augmentation.blur", "0.5", "--augmentation.paste", "0.5",
    ]  # fmt: skip
