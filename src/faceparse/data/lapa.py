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

from faceparse.data.pairs import PairedFiles, require_beside
from faceparse.data.record import declared_scheme
from faceparse.data.registry import register
from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.pictures import SUFFIXES

SPLITS = ("train", "val", "test")


@register
class LaPa(PairedFiles):
    """One split of LaPa, with landmarks.

    Args:
        root: Folder that contains `train`, `val` and `test`.
        split: `train`, `val`, `test` or `all`.
        scheme: `lapa11`, or None, which means the same.

    Raises:
        DataError: no such folder or split; a picture without label map or landmarks; another scheme.
    """

    kind: ClassVar[str] = "lapa"
    title: ClassVar[str] = "LaPa as downloaded: 11 classes, 106 landmarks"
    landmark_count: ClassVar[int] = 106

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        if split not in (*SPLITS, "all"):
            raise DataError(f"LaPa has the splits {', '.join(SPLITS)} and all; got {split!r}")
        pairs: list[tuple[Path, Path]] = []
        landmark_files: list[Path] = []
        for name in SPLITS if split == "all" else (split,):
            folder = Path(root) / name
            for image in _images(folder):
                pairs.append((image, folder / "labels" / f"{image.stem}.png"))
                landmark_files.append(folder / "landmarks" / f"{image.stem}.txt")
                require_beside(*pairs[-1], landmark_files[-1])
        super().__init__(declared_scheme("lapa11", scheme, "LaPa"), pairs, landmark_files)

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return tuple(s for s in SPLITS if (Path(root) / s).is_dir())


def _images(folder: Path) -> list[Path]:
    if not (folder / "images").is_dir():
        raise DataError(f"{folder.parent} is no LaPa folder: expected {folder.name}/images in it")
    images = sorted(p for p in (folder / "images").iterdir() if p.suffix.lower() in SUFFIXES)
    if not images:
        raise DataError(f"{folder / 'images'} holds no picture")
    return images
