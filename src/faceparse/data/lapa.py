"""LaPa: faces in the wild with 11 classes and 106 landmarks.

>>> test = LaPa("LaPa", "test")  # doctest: +SKIP
>>> test[0].labels.max() <= 10, test[0].landmarks.shape  # doctest: +SKIP
(True, (106, 2))

Layout (Liu et al., AAAI 2020, https://github.com/jd-opensource/lapa-dataset)::

    ROOT/train|val|test/images/NAME.jpg
    ROOT/train|val|test/labels/NAME.png       8-bit, scheme lapa11
    ROOT/train|val|test/landmarks/NAME.txt    106, then 106 lines `x y`

The three folders are the official split.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.own import own_scheme
from faceparse.data.pairs import PairedFiles
from faceparse.data.reading import read_points
from faceparse.data.registry import register
from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.pictures import SUFFIXES

SPLITS = ("train", "val", "test")


@register
class LaPa(PairedFiles):
    """One split of LaPa, with its landmarks.

    Args:
        root: Folder with `train`, `val` and `test` in it.
        split: One of these, or `all`.
        scheme: lapa11, or None for it.

    Raises:
        DataError: no such folder or split; a picture without label map or landmarks; another scheme.
    """

    kind: ClassVar[str] = "lapa"
    title: ClassVar[str] = "LaPa as downloaded: 11 classes, 106 landmarks"

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        if split not in (*SPLITS, "all"):
            raise DataError(f"LaPa has the splits {', '.join(SPLITS)} and all; got {split!r}")
        pairs: list[tuple[Path, Path]] = []
        self._points: list[Path] = []
        for name in SPLITS if split == "all" else (split,):
            folder = Path(root) / name
            for image in _images(folder):
                label = folder / "labels" / f"{image.stem}.png"
                points = folder / "landmarks" / f"{image.stem}.txt"
                for file in (label, points):
                    if not file.is_file():
                        raise DataError(f"{image} has no {file.parent.name}/{file.name} beside it")
                pairs.append((image, label))
                self._points.append(points)
        super().__init__(own_scheme("lapa11", scheme, "LaPa"), pairs)

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return tuple(s for s in SPLITS if (Path(root) / s).is_dir())

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        return *super().made_of(index), self._points[index]

    def landmarks(self, index: int) -> NDArray[np.float64]:
        return read_points(self._points[index], 106, counted=True)


def _images(folder: Path) -> list[Path]:
    if not (folder / "images").is_dir():
        raise DataError(f"{folder.parent} is no LaPa folder: expected {folder.name}/images in it")
    found = sorted(p for p in (folder / "images").iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise DataError(f"{folder / 'images'} holds no picture")
    return found
