"""Helen, relabelled: portraits with 11 classes, and 68 landmarks in a separate file.

>>> test = Helen("helen", "test")  # doctest: +SKIP
>>> test[0].landmarks.shape  # doctest: +SKIP
(68, 2)

Layout (Lin et al., CVPR 2019, https://github.com/JPlin/Relabeled-HELEN-Dataset; Le et al., ECCV 2012)::

    ROOT/train|test|test_resize/NAME_image.jpg
    ROOT/train|test|test_resize/NAME_label.png    8-bit, scheme helen11
    ROOT/train|test|test_resize/NAME_viz.jpg      not read
    ROOT/landmarks.txt      x y of 68 points, …, NAME on a line; at twice the pictures' scale (SegFace's file)

The folders are the official split: `test` has the pictures at their original size, `test_resize` the same
pictures reduced, without landmarks. There is no `val` split: take shares of `train`, such as `0-95%` and
`95-100%`. `faceparse.data.derived.Cropped` crops to the faces.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.pairs import PairedFiles, require_beside
from faceparse.data.reading import points, read_text
from faceparse.data.record import declared_scheme
from faceparse.data.registry import register
from faceparse.data.splits import take_share
from faceparse.errors import DataError
from faceparse.labels import Scheme

SPLITS = ("train", "test", "test_resize")
_POINTS = 68
_SCALE = 0.5  # converts the file's coordinates to pixels of the pictures


@register
class Helen(PairedFiles):
    """One split of Helen, with landmarks if ROOT has `landmarks.txt`.

    Args:
        root: Folder that contains `train` and `test`.
        split: train, test, test_resize, all (train and test), or a share of train (see `faceparse.data.splits`).
        scheme: `helen11`, or None, which means the same.

    Raises:
        DataError: no such folder or split; a picture without a label map; a malformed landmark file; another
            scheme.
    """

    kind: ClassVar[str] = "helen"
    title: ClassVar[str] = "Helen, relabelled: 11 classes, 68 landmarks"

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        root = Path(root)
        super().__init__(declared_scheme("helen11", scheme, "Helen"), _find_pairs(root, split))
        self._file = root / "landmarks.txt"
        self._landmarks = _read_landmarks(self._file) if split != "test_resize" else {}

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        # test_resize is left out, because it has the pictures of test.
        return tuple(s for s in ("train", "test") if (Path(root) / s).is_dir())

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return *super().dependencies(index), *((self._file,) if self._landmarks else ())

    def landmarks(self, index: int) -> NDArray[np.float64] | None:
        """Return the landmarks, 68 × 2, in pixels of the whole picture, or None without `landmarks.txt`."""
        if not self._landmarks:
            return None
        name = _name(self.names[index])
        if name not in self._landmarks:
            raise DataError(f"{self.names[index]} has no line {name!r} in landmarks.txt")
        return self._landmarks[name]


def _find_pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    if split in (*SPLITS, "all"):
        folders = ("train", "test") if split == "all" else (split,)
        return [pair for name in folders for pair in _read_folder(root / name)]
    by_name = {_name(image): (image, label) for image, label in _read_folder(root / "train")}
    return [by_name[name] for name in take_share(list(by_name), split, root / "train", SPLITS)]


def _read_folder(folder: Path) -> list[tuple[Path, Path]]:
    if not folder.is_dir():
        raise DataError(f"{folder.parent} is no Helen folder: expected {folder.name}/ in it")
    images = sorted(folder.glob("*_image.jpg"))
    if not images:
        raise DataError(f"{folder} holds no picture NAME_image.jpg")
    pairs = [(image, folder / f"{_name(image)}_label.png") for image in images]
    for image, label in pairs:
        require_beside(image, label)
    return pairs


def _name(image: Path) -> str:
    return image.stem.removesuffix("_image")


def _read_landmarks(file: Path) -> dict[str, NDArray[np.float64]]:
    landmarks = {}
    for number, line in enumerate(read_text(file).splitlines() if file.is_file() else (), 1):
        words = line.split()
        if words:
            where = f"{file}, line {number},"
            landmarks[words[-1]] = _SCALE * points(words[:-1][: 2 * _POINTS], _POINTS, where)
    if file.is_file() and not landmarks:
        raise DataError(f"{file} holds no landmarks")
    return landmarks
