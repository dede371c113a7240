"""A data set folder with `images/`, `labels/` (or `masks/`), and optional split files.

>>> from faceparse.data import FolderDataset
>>> train = FolderDataset("celebamask5k", "train", "maskgan19")  # doctest: +SKIP
>>> train[0].image.shape, train[0].labels.shape  # doctest: +SKIP
((512, 512, 3), (512, 512))

Layout (as for the yakhyo BiSeNet trainer)::

    ROOT/images/NAME.jpg|png|…
    ROOT/labels/NAME.png        8-bit, pixel value = label; `masks/` is taken too
    ROOT/SPLIT.txt              one NAME (with or without extension) a line
    ROOT/dataset.json           record of `faceparse data prepare`, which names the scheme
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

from faceparse.data.pairs import PairedFiles, aspects_differ
from faceparse.data.reading import LABEL_SUFFIXES, read_text
from faceparse.data.record import folder_scheme
from faceparse.data.registry import register
from faceparse.data.splits import is_share, take_share
from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.pictures import SUFFIXES

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """The files in a data set folder, with or without faults.

    Attributes:
        root: The folder.
        images: Stem → picture.
        labels: Stem → label map.
        clashes: Pictures that share their stem, and so their label map, with a picture in `images`.
        lossy: Label maps in a format that does not keep pixel values exactly (JPEG, WebP).
    """

    root: Path
    images: Mapping[str, Path]
    labels: Mapping[str, Path]
    clashes: tuple[Path, ...] = ()
    lossy: tuple[Path, ...] = ()

    def pairs(self, stems: Iterable[str]) -> list[tuple[Path, Path]]:
        """Return (picture, label map) for each stem that has both."""
        both = self.images.keys() & self.labels.keys()
        return [(self.images[stem], self.labels[stem]) for stem in stems if stem in both]

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the split files: train, val, test, then the others."""
        files = {p.stem for p in self.root.glob("*.txt")}
        usual = [s for s in ("train", "val", "test") if s in files]
        others = []
        for split in sorted(files - set(usual)):
            with suppress(DataError):  # perhaps not a split file
                others += [split] if self.read_split(split).stems else []
        return (*usual, *others)

    def read_split(self, split: str) -> SplitFile:
        """Read a split file; names without a picture go to `SplitFile.absent`."""
        stems: list[str] = []
        absent: list[str] = []
        lines = read_text(self.root / f"{split}.txt").splitlines()
        for name in filter(None, map(str.strip, lines)):
            stem = Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name
            if stem in self.images:
                stems.append(stem)
            else:
                absent.append(name)
        return SplitFile(tuple(stems), tuple(absent))


class SplitFile(NamedTuple):
    """The contents of a split file: stems of pictures that exist, and names of absent pictures."""

    stems: tuple[str, ...]
    absent: tuple[str, ...]


def scan(root: str | Path) -> Layout:
    """List the files in a data set folder.

    Raises:
        DataError: no `images/`, or neither `labels/` nor `masks/`.
    """
    root = Path(root)
    folder = next((root / d for d in ("labels", "masks") if (root / d).is_dir()), None)
    if not (root / "images").is_dir() or folder is None:
        content = ", ".join(sorted(p.name for p in root.iterdir())[:6]) if root.is_dir() else "no such folder"
        expected = "expected images/ and labels/ (or masks/) in it"
        raise DataError(f"{root} is not a data set folder: {expected}, found {content or 'nothing'}")
    pictures = sorted(p for p in (root / "images").iterdir() if p.suffix.lower() in SUFFIXES)
    images: dict[str, Path] = {}
    for path in pictures:
        images.setdefault(path.stem, path)
    labels: dict[str, Path] = {}
    lossy = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in LABEL_SUFFIXES:
            labels.setdefault(path.stem, path)
        elif path.suffix.lower() in SUFFIXES:
            lossy.append(path)
    clashes = tuple(p for p in pictures if images[p.stem] != p)
    return Layout(root, images, labels, clashes, tuple(lossy))


@register
class FolderDataset(PairedFiles):
    """Pictures and label maps with the same stem in one folder.

    Args:
        root: Folder that holds `images/` and `labels/` or `masks/`.
        split: Name of a split file `ROOT/SPLIT.txt`, `all` for every picture that has a label map, or a
            share of these pictures such as `0-80%` (see `faceparse.data.splits`).
        scheme: Scheme of the label maps: a name, a YAML file or a `Scheme`; None if `dataset.json`
            names it. It is never guessed.

    Raises:
        DataError: no such folder, split or picture, or no labelled picture in the split.
        LabelError: an unknown scheme.
    """

    kind: ClassVar[str] = "folder"
    title: ClassVar[str] = "images/ and labels/ (or masks/), split files or shares"

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        layout = scan(root)
        stems = _stems(layout, split)
        super().__init__(folder_scheme(layout.root, scheme), layout.pairs(stems))
        with suppress(DataError):  # the error comes again when the sample is read
            image, labels = self.image(0), self.labels(0)
            if image.shape[:2] != labels.shape and not aspects_differ(image, labels):
                _say_resized(layout.root)

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return scan(root).splits


@cache
def _say_resized(root: Path) -> None:  # once for a data set
    log.warning("%s: pictures of other sizes than their label maps are resized to them", root)


def _stems(layout: Layout, split: str) -> Sequence[str]:
    if layout.clashes:
        clash = layout.clashes[0]
        raise DataError(f"{layout.images[clash.stem]} and {clash.name} share one label map: rename one")
    labelled = [stem for stem in layout.images if stem in layout.labels]
    if not labelled:
        hint = ": label maps are PNG, the JPEG ones lose values" if layout.lossy else ""
        raise DataError(f"{layout.root} holds no labelled picture{hint}")
    if split == "all" or is_share(split):
        return take_share(labelled, split, layout.root)
    file = layout.root / f"{split}.txt"
    if not os.path.lexists(file):
        choices = f"{', '.join(layout.splits[:8]) or 'none'}; all, or shares such as 0-80%, need no file"
        raise DataError(f"no split {split!r} in {layout.root}: expected {file.name}; there are {choices}")
    stems, absent = layout.read_split(split)
    if absent:
        raise DataError(f"{file} names {_first(absent)}, but {layout.root / 'images'} has no such picture")
    unlabelled = [stem for stem in stems if stem not in layout.labels]
    if unlabelled:
        raise DataError(f"{file} names {_first(unlabelled)}, which has no label map {unlabelled[0]}.png")
    if not stems:
        raise DataError(f"{file} names no labelled picture")
    return stems


def _first(names: Sequence[str]) -> str:
    """Return the first name and the number of the others, as text."""
    return f"{names[0]!r}" + (f" and {len(names) - 1} more" if names[1:] else "")
