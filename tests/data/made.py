"""Small made data sets, each in the exact layout of a published one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse.pack import pack

PARTS = [
    "skin",
    "nose",
    "eye_g",
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "l_ear",
    "r_ear",
    "mouth",
    "u_lip",
    "l_lip",
    "hair",
    "hat",
    "ear_r",
    "neck_l",
    "neck",
    "cloth",
]
MASK, PICTURE = 16, 32


def picture(seed: int, size: tuple[int, int] = (PICTURE, PICTURE)) -> Image.Image:
    """Smooth colour noise, (width, height)."""
    noise = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def label_map(seed: int, classes: int, size: tuple[int, int] = (PICTURE, PICTURE)) -> Image.Image:
    """Blocks of random labels, (width, height)."""
    blocks = np.random.default_rng(seed).integers(0, classes, (4, 4), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


def part_masks(seed: int, side: int = MASK) -> dict[str, NDArray[np.bool_]]:
    """Every part as a rectangle; they overlap each other."""
    rng = np.random.default_rng(seed)
    masks = {}
    for name in PARTS:
        mask = np.zeros((side, side), bool)
        top, left = rng.integers(0, side - 4, 2)
        mask[top : top + rng.integers(3, side // 2), left : left + rng.integers(3, side // 2)] = True
        masks[name] = mask
    return masks


def write_part(path: Path, mask: NDArray[np.bool_], mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).convert("L").convert(mode).save(path)


def celebamask_hq(root: Path, numbers: Sequence[int] = (0, 1, 2001)) -> Path:
    """A clean download: pictures at twice the masks' size, every third picture in each split."""
    (root / "CelebA-HQ-img").mkdir(parents=True)
    mapping, partition = ["idx  orig_idx  orig_file"], []
    for place, number in enumerate(numbers):
        picture(number).save(root / "CelebA-HQ-img" / f"{number}.jpg")
        for name, mask in part_masks(number).items():
            write_part(part_path(root, number, name), mask)
        mapping.append(f"{number:<5} {number + 100:<9} {number + 101:06d}.jpg")
        partition.append(f"{number + 101:06d}.jpg {place % 3}")
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(mapping) + "\n")
    (root / "list_eval_partition.txt").write_text("\n".join([*partition, "000001.jpg 0"]) + "\n")
    return root


def part_path(root: Path, number: int, name: str) -> Path:
    return root / "CelebAMask-HQ-mask-anno" / str(number // 2000) / f"{number:05d}_{name}.png"


def folder(root: Path, count: int = 5, classes: int = 19) -> Path:
    """`images/`, `labels/` and two split files."""
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for i in range(count):
        picture(i).save(root / "images" / f"{i}.jpg")
        label_map(i, classes).save(root / "labels" / f"{i}.png")
    (root / "train.txt").write_text("".join(f"{i}\n" for i in range(count - 1)))
    (root / "val.txt").write_text(f"{count - 1}.jpg\n")
    return root


def webdataset(root: Path, to: str = "tars") -> Path:
    """The same data set as `folder`, packed."""
    pack(folder(root.with_name(f"{root.name}-unpacked")), root, to, scheme="celebamask19")
    return root


def parquet(root: Path) -> Path:
    """The same data set as `folder`, packed."""
    pytest.importorskip("pyarrow")
    return webdataset(root, "parquet")


def lapa(root: Path) -> Path:
    """Two pictures in train, one in val and in test."""
    seed = 0
    for split, count in (("train", 2), ("val", 1), ("test", 1)):
        for name in ("images", "labels", "landmarks"):
            (root / split / name).mkdir(parents=True)
        for _ in range(count):
            stem = f"10012551673_{seed}"
            picture(seed).save(root / split / "images" / f"{stem}.jpg")
            label_map(seed, 11).save(root / split / "labels" / f"{stem}.png")
            rows = "".join(f"{(i + 0.5) / 4:.6f} {seed + i / 4:.6f}\n" for i in range(106))
            (root / split / "landmarks" / f"{stem}.txt").write_text(f"106\n{rows}")
            seed += 1
    return root


def helen(root: Path) -> Path:
    """Two pictures in train, one in test and test_resize, landmarks of a face 12 px wide at (10, 8)."""
    lines = []
    for split, names in (("train", ("100032540_1", "11564757_2")), ("test", ("30427236_1",))):
        (root / split).mkdir(parents=True)
        for name in names:
            picture(len(name)).save(root / split / f"{name}_image.jpg")
            label_map(len(name), 11).save(root / split / f"{name}_label.png")
            picture(1).save(root / split / f"{name}_viz.jpg")
            points = " ".join(f"{2 * (10 + 12 * i / 67):.4f} {2 * (8 + 8 * i / 67):.4f}" for i in range(68))
            lines.append(f"{points} 20 16 44 32 0 0 0 0 {name}")
    (root / "test_resize").mkdir()
    picture(3, (16, 16)).save(root / "test_resize" / "30427236_1_image.jpg")
    label_map(3, 11, (16, 16)).save(root / "test_resize" / "30427236_1_label.png")
    (root / "landmarks.txt").write_text("\n".join(lines) + "\n")
    return root


def facesynthetics(root: Path, count: int = 4) -> Path:
    """Four pictures, some of whose pixels are ignored."""
    root.mkdir(parents=True)
    for i in range(count):
        picture(i).save(root / f"{i:06d}.png")
        labels = np.array(label_map(i, 19))
        labels[:2] = 255
        Image.fromarray(labels).save(root / f"{i:06d}_seg.png")
        rows = "".join(f"{i + k / 8:.4f} {k / 4:.4f}\n" for k in range(70))
        (root / f"{i:06d}_ldmks.txt").write_text(rows)
    return root
