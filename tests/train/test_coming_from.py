"""What people type who come from the published trainers, and what comes of it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.cli.main import main  # noqa: E402
from faceparse.data import FolderDataset  # noqa: E402
from faceparse.errors import DataError  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.train.augment import Augmentation, augment  # noqa: E402
from faceparse.weights.modelfile import find_model  # noqa: E402
from tests.data.made import label_map, picture  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
TINY = ["--sizes", "[[0, 64]]", "--batch-size", "2", "--tensorboard", "false"]


def yakhyo_folder(root: Path, count: int = 11, pictures: int = 128, masks: int = 64) -> Path:
    """`images/` and `labels/`, no split files; CelebAMask-HQ's pictures have twice their masks' size."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for i in range(count):
        picture(i, (pictures, pictures)).save(root / "images" / f"image{i}.jpg")
        label_map(i, 19, (masks, masks)).save(root / "labels" / f"image{i}.png")
    return root


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([*words])
    return int(left.value.code or 0)


def test_yakhyos_folder_trains_with_the_first_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    root, output = yakhyo_folder(tmp_path / "ds"), tmp_path / "run"
    words = ["--recipe", "bisenet-resnet18", "--data.root", str(root), "--output", str(output)]
    words += ["--epochs", "1", "--trainer.log_every_n_steps", "2", "--data.workers", "0"]
    assert run("train", *words, *TINY) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "images/s" in line]
    assert len(lines) == 2, "steps 2 and 4 of 5"
    assert re.match(r"epoch 1/1, step 2/5: loss \d.*, rate \d.*, \d.* images/s, 0:00:\d\d left", lines[0])
    said = [m for m in caplog.messages if "ds" in m]
    assert len([m for m in said if "0-95%@0" in m and "95-100%@0" in m]) == 1
    assert len([m for m in said if "than their label maps" in m]) == 1
    data = json.loads((output / "settings.json").read_text())["settings"]["data"]
    assert (data["train"], data["val"]) == ("0-95%@0", "95-100%@0")
    train, val = (FolderDataset(root, data[split], "celebamask19").names for split in ("train", "val"))
    assert (len(train), len(val)) == (10, 1)
    assert [*train] == sorted(train)


def test_pictures_are_brought_to_their_label_maps_size_by_area(tmp_path: Path) -> None:
    root = yakhyo_folder(tmp_path, 1)
    Image.fromarray(np.kron(np.array([[0, 255]] * 2, np.uint8), np.ones((64, 64), np.uint8))).save(
        root / "images" / "image0.jpg", quality=100
    )
    sample = FolderDataset(root, "all", "celebamask19")[0]
    assert sample.image.shape == (64, 64, 3)
    assert (sample.image[:, :30] < 10).all()
    assert (sample.image[:, 34:] > 245).all()
    assert (sample.labels == np.asarray(label_map(0, 19, (64, 64)))).all()
    label_map(0, 19, (64, 48)).save(root / "labels" / "image0.png")
    with pytest.raises(DataError, match="is 128×128 but its label map is 64×48: resize one of them"):
        FolderDataset(root, "all", "celebamask19")[0]


def test_a_size_may_be_a_height_and_a_width(tmp_path: Path) -> None:
    root, output = yakhyo_folder(tmp_path / "ds", 2), tmp_path / "run"
    words = ["--recipe", "bisenet-resnet18", "--data.root", str(root), "--output", str(output), *TINY]
    words += ["--data.workers", "0", "--epochs", "1", "--data.train", "all", "--data.val", "all"]
    assert run("train", *words, "--sizes", "[[0, [64, 96]]]") == 0
    assert find_model(output / "best.ckpt").card.input.size == (64, 96)


def test_a_sample_of_another_shape_is_the_picture_squeezed_to_it() -> None:
    still = Augmentation(flip=0, rotate=0, scale=(1, 1), shift=0, colour=0, gray=0, blur=0, jpeg=0)
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 30:45] = 1
    image = np.repeat(labels[..., None] * 200, 3, 2)
    points = np.array([[30.0, 10], [45, 10], [37, 15], [30, 20], [45, 20]])
    rng = np.random.default_rng(0)
    sample = augment(image, labels, (80, 90), still, scheme("celebamask19"), rng, points)
    assert sample.image.shape == (80, 90, 3)
    rows, columns = np.nonzero(sample.labels)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (20, 40, 45, 68)
    assert sample.landmarks is not None
    np.testing.assert_allclose(sample.landmarks, points * (1.5, 2))
