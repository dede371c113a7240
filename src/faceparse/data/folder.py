"""A folder of `images/` and `labels/` (or `masks/`), with optional split files.

>>> from faceparse.data import FolderDataset
>>> train = FolderDataset("celebamask5k", "train", "maskgan19")  # doctest: +SKIP
>>> train[0].image.shape, train[0].labels.shape  # doctest: +SKIP
((512, 512, 3), (512, 512))

Layout (the one the yakhyo BiSeNet trainer expects)::

    ROOT/images/NAME.jpg|png|…
    ROOT/labels/NAME.png        8-bit, pixel value = label; `masks/` is taken too
    ROOT/SPLIT.txt              one NAME (with or without extension) a line
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from faceparse.data.dataset import Sample
from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


class FolderDataset:
    """Pictures and label maps of the same stem below one root.

    Args:
        root: Folder that holds `images/` and `labels/` or `masks/`.
        split: Name of a split file `ROOT/SPLIT.txt`, or `all` for every picture that has a label map.
        scheme: Scheme of the label maps, by name or as a `Scheme`; never guessed.

    Raises:
        DataError: no such folder, split or picture, or no labelled picture in it.
        LabelError: unknown scheme.
    """

    def __init__(self, root: str | Path, split: str, scheme: str | Scheme) -> None:
        self.root = Path(root)
        self.scheme = find_scheme(scheme)
        images = self.root / "images"
        labels = next((self.root / d for d in ("labels", "masks") if (self.root / d).is_dir()), None)
        if not images.is_dir() or labels is None:
            raise DataError(
                f"{self.root} is not a data set folder: expected images/ and labels/ (or masks/) in it, "
                f"found {', '.join(sorted(p.name for p in self.root.iterdir())[:6]) if self.root.is_dir() else 'no such folder'}"
            )
        by_stem = {p.stem: p for p in sorted(images.iterdir()) if p.suffix.lower() in IMAGE_SUFFIXES}
        if split == "all":
            stems = [s for s in by_stem if (labels / f"{s}.png").is_file()]
        else:
            stems = self._read_split(split, by_stem)
        if not stems:
            raise DataError(f"{self.root}: no labelled picture in split {split!r}")
        self._pairs = [(by_stem[s], labels / f"{s}.png") for s in stems]

    def _read_split(self, split: str, by_stem: dict[str, Path]) -> list[str]:
        file = self.root / f"{split}.txt"
        if not file.is_file():
            found = sorted(p.stem for p in self.root.glob("*.txt"))
            raise DataError(
                f"no split {split!r} in {self.root}: expected {file.name}; there are {found or 'none'}"
            )
        stems = []
        for line in file.read_text(encoding="utf-8").splitlines():
            name = line.strip()
            if not name:
                continue
            stem = Path(name).stem if Path(name).suffix.lower() in IMAGE_SUFFIXES else name
            if stem not in by_stem:
                raise DataError(f"{file} names {name!r}, but {self.root / 'images'} has no such picture")
            stems.append(stem)
        return stems

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[Path]:
        return [image for image, _ in self._pairs]

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The label map of one sample, H × W uint8.

        Raises:
            DataError: the file is missing, unreadable or not 8-bit single-channel.
        """
        path = self._pairs[index][1]
        try:
            with Image.open(path) as file:
                if file.mode not in ("L", "P"):
                    raise DataError(
                        f"{path} has mode {file.mode}; a label map is 8-bit gray or palette, pixel value = label"
                    )
                labels = np.asarray(file)
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"cannot read label map {path}: {error}") from error
        return labels

    def __getitem__(self, index: int) -> Sample:
        path = self._pairs[index][0]
        try:
            with Image.open(path) as file:
                image = np.asarray(file.convert("RGB"))
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"cannot read picture {path}: {error}") from error
        labels = self.labels(index)
        if labels.shape != image.shape[:2]:
            raise DataError(
                f"{path} is {image.shape[1]}×{image.shape[0]} but its label map is "
                f"{labels.shape[1]}×{labels.shape[0]}: resize one of them so that they match"
            )
        return Sample(str(path), image, labels)
