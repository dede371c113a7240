"""CelebAMask-HQ as downloaded: pictures of 1024 × 1024 px, and a mask file of 512 × 512 px per part and picture.

>>> train = CelebAMaskHQ("CelebAMask-HQ", "train", "celebamask19")  # doctest: +SKIP
>>> train[0].image.shape, train[0].labels.shape  # doctest: +SKIP
((512, 512, 3), (512, 512))

Layout (Lee et al., MaskGAN, CVPR 2020, https://github.com/switchablenorms/CelebAMask-HQ)::

    ROOT/CelebA-HQ-img/12.jpg
    ROOT/CelebAMask-HQ-mask-anno/0/00012_l_brow.png     folders 0 to 14, 2,000 pictures each
    ROOT/CelebA-HQ-to-CelebA-mapping.txt                idx orig_idx orig_file
    ROOT/list_eval_partition.txt                        000001.jpg 0   (it comes with CelebA)

The official split is CelebA's: 0 train, 1 val, 2 test.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Sample
from faceparse.data.finding import Finding
from faceparse.data.painting import match_sizes, paint_files
from faceparse.data.pairs import PairedFiles
from faceparse.data.reading import read_text
from faceparse.data.registry import register
from faceparse.data.splits import take_share
from faceparse.errors import DataError, LabelError
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme
from faceparse.pictures import SUFFIXES

IMAGES = "CelebA-HQ-img"
MASKS = "CelebAMask-HQ-mask-anno"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
PARTITION = "list_eval_partition.txt"
SPLITS = ("train", "val", "test")
ORDERS = ("celebamask19", "maskgan19", "segface-celeb19")
"""Schemes whose label order is a published painting order."""
PER_FOLDER = 2000
# Every face should have these parts; all other parts may be hidden or absent.
_EXPECTED = ("skin", "nose", "u_lip", "l_lip")
_NUMBERED = re.compile(r"(\d+)_(\w+)\.png", re.IGNORECASE)


@dataclass
class PictureFiles:
    """The files of one picture of a download.

    Attributes:
        name: The picture's file name without suffix.
        image: The picture's file; None if only masks exist.
        masks: Part → mask file; empty if only the picture exists.
        findings: Findings about these files.
    """

    name: str
    image: Path | None = None
    masks: dict[str, Path] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def find_pictures(root: str | Path) -> tuple[list[PictureFiles], list[Finding]]:
    """Find the files of each picture of the download, by number, and findings about other files; decode nothing.

    Raises:
        DataError: no such folder, or a folder without pictures or masks.
    """
    root = Path(root)
    for folder in (IMAGES, MASKS):
        if not (root / folder).is_dir():
            raise DataError(f"{root} is no CelebAMask-HQ download: expected {IMAGES}/ and {MASKS}/ in it")
    pictures: dict[int, PictureFiles] = {}
    for path in (root / IMAGES).iterdir():
        if path.suffix.lower() in SUFFIXES and path.stem.isdecimal():
            pictures[int(path.stem)] = PictureFiles(path.stem, path)
    count = len(pictures)
    stray = _add_masks(pictures, root / MASKS)
    masked = sum(bool(files.masks) for files in pictures.values())
    if not count or not masked:
        raise DataError(
            f"{root} has {count} pictures, and masks of {masked} pictures: unpack the whole download"
        )
    for number, files in pictures.items():
        if files.image is None:
            files.findings.append(Finding("masks without a picture", f"{number:05d}"))
        elif not files.masks:
            files.findings.append(Finding("picture without masks", files.image.name))
        else:
            missing = [part for part in _EXPECTED if part not in files.masks]
            if not {"l_eye", "r_eye", "eye_g"} & files.masks.keys():
                missing.append("both eyes")
            files.findings += [Finding("missing part", f"{files.name}: {part}") for part in missing]
    return [pictures[number] for number in sorted(pictures)], stray


def _add_masks(pictures: dict[int, PictureFiles], folder: Path) -> list[Finding]:
    """Add the mask files to their pictures, and return a finding for each file without number and part in its name."""
    parts, stray = part_names(), []
    for path in _files(folder):
        place = path.relative_to(folder).as_posix()
        match = _NUMBERED.fullmatch(path.name)
        if match is None:
            stray.append(Finding("unknown file", place))
            continue
        number, part = int(match[1]), match[2].lower()
        files = pictures.setdefault(number, PictureFiles(str(number)))
        in_its_folder = path.parent.name == str(number // PER_FOLDER)
        other = files.masks.get(part)
        if part not in parts:
            files.findings.append(Finding("unknown part", place))
            continue
        if other:
            files.findings.append(Finding("duplicate mask", f"{place} beside {other.parent.name}"))
        elif not in_its_folder:
            files.findings.append(Finding("mask in another folder", place))
        if in_its_folder or not other:
            files.masks[part] = path
    return stray


def _files(folder: Path) -> Iterator[Path]:
    # os.walk is several times as fast as rglob for 375,000 files.
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(place, name)


def part_names() -> tuple[str, ...]:
    """Return the names of the parts that have masks.

    >>> part_names()[:3]
    ('skin', 'l_brow', 'r_brow')
    """
    return find_scheme(ORDERS[0]).classes[1:]


def check_order(scheme: Scheme) -> Scheme:
    """Check that every class of a scheme but background is a part, and return the scheme.

    Raises:
        LabelError: a class that is not a part, or no class but background.
    """
    stray = [name for name in scheme.classes[1:] if name not in part_names()]
    if stray or len(scheme) < 2:
        fault = f"{', '.join(stray) or 'only background'}, for which CelebAMask-HQ has no mask"
        raise LabelError(
            f"scheme {scheme.name!r} has {fault}: choose classes among {', '.join(part_names())}"
        )
    return scheme


def official_split(root: str | Path) -> dict[int, str]:
    """Read the official split from its two text files: number of a picture → `train`, `val` or `test`.

    Raises:
        DataError: a file is missing or has a malformed line; the message names the file and line.
    """
    root = Path(root)
    mapping = _table(root / MAPPING, 3, "a number, CelebA's number and CelebA's file")
    partition = dict(_table(_partition(root), 2, "CelebA's file and 0, 1 or 2").values())
    splits: dict[int, str] = {}
    for line, (number, _, original) in mapping.items():
        if not number.isdecimal() or len(number) > 18:  # digits that int() refuses are no number either
            if line == 1:  # idx orig_idx orig_file
                continue
            raise DataError(f"{root / MAPPING}, line {line}: expected a number, got {number!r}")
        code = partition.get(original)
        if code not in ("0", "1", "2"):
            fault = f"gives {original} (picture {number}) the split {code}"
            raise DataError(f"{_partition(root)} {fault}; expected 0 (train), 1 (val) or 2 (test)")
        splits[int(number)] = SPLITS[int(code)]
    return splits


def _partition(root: Path) -> Path:
    beside = root.parent / PARTITION
    return beside if not (root / PARTITION).is_file() and beside.is_file() else root / PARTITION


def _table(file: Path, columns: int, content: str) -> dict[int, list[str]]:
    """Read a text table: line number, from 1 → first words of the line."""
    if not file.is_file():
        hint = "which comes with CelebA" if file.name == PARTITION else "part of the download"
        raise DataError(f"the official split needs {file}, {hint}: put it there, or use shares or --no-split")
    rows = {}
    for number, line in enumerate(read_text(file).splitlines(), 1):
        words = line.split()
        if words and len(words) < columns:
            raise DataError(f"{file}, line {number}: expected {content}, got {line.strip()!r}")
        if words:
            rows[number] = words[:columns]
    return rows


@register
class CelebAMaskHQ(PairedFiles):
    """CelebAMask-HQ as downloaded: reading a sample paints its label map from about 15 mask files.

    `faceparse data prepare celebamask-hq` paints all label maps once, so that reading is several times as
    fast.

    Args:
        root: Folder of the download.
        split: train, val, test, all, or a share such as `0-80%`.
        scheme: Painting order: celebamask19, maskgan19 or segface-celeb19 (`faceparse.data.painting`).

    Raises:
        DataError: `root` is no download of CelebAMask-HQ; the split does not exist or lacks its text files; or `scheme` is
            None.
        LabelError: no such scheme, or a scheme with a class that is not a part.
    """

    kind: ClassVar[str] = "celebamask-hq"
    title: ClassVar[str] = "CelebAMask-HQ as downloaded, one mask file per part"
    one_size: ClassVar[bool] = False

    def __init__(self, root: str | Path, split: str, scheme: str | Path | Scheme | None = None) -> None:
        if scheme is None:
            raise DataError(f"name the painting order with --data.scheme: {', '.join(ORDERS)}")
        painting = check_order(find_scheme(scheme))
        files = {f.name: f for f in find_pictures(root)[0] if f.image is not None and f.masks}
        names = list(files)
        if split in SPLITS:
            official = official_split(root)
            names, split = [name for name in names if official.get(int(name)) == split], "all"
        self._files = [files[name] for name in take_share(names, split, root, SPLITS)]
        super().__init__(painting, [(f.image, f.image) for f in self._files if f.image])

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return SPLITS if _partition(Path(root)).is_file() else ()

    def labels(self, index: int) -> NDArray[np.uint8]:
        return paint_files(self._files[index].masks, self.scheme)[0]

    def dependencies(self, index: int) -> tuple[str | Path, ...]:
        return self._pairs[index][0], *self._files[index].masks.values()

    def __getitem__(self, index: int) -> Sample:
        image, labels = match_sizes(self.image(index), self.labels(index), "masks")
        return Sample(str(self._pairs[index][0]), image, labels)
