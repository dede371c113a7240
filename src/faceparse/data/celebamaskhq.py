"""CelebAMask-HQ as it is downloaded: pictures at 1024², one mask file per part and picture at 512².

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
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.dataset import Sample
from faceparse.data.painting import Odd, check_size, fit, paint_files, same_size
from faceparse.data.pairs import PairedFiles
from faceparse.data.reading import read_text
from faceparse.data.registry import register
from faceparse.data.splits import is_part, part
from faceparse.errors import DataError, LabelError
from faceparse.labels import Scheme, schemes
from faceparse.labels import scheme as find_scheme
from faceparse.pictures import SUFFIXES

IMAGES = "CelebA-HQ-img"
MASKS = "CelebAMask-HQ-mask-anno"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
PARTITION = "list_eval_partition.txt"
SPLITS = ("train", "val", "test")
ORDERS = ("celebamask19", "maskgan19", "segface-celeb19")
"""Published painting orders; a scheme's name is its order."""
PER_FOLDER = 2000
# A face without these is odd; all other parts may be hidden or not there.
_EXPECTED = ("skin", "nose", "u_lip", "l_lip")
_NUMBERED = re.compile(r"(\d+)_(\w+)\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """One picture of a download: its name, file, mask files by part, and what is odd about the files.

    Attributes:
        name: As the picture's file is called, without ending.
        image: The picture, or None where there are only masks.
        parts: (part, mask file); empty where there is only a picture.
    """

    name: str
    image: Path | None
    parts: tuple[tuple[str, Path], ...]
    odd: tuple[Odd, ...] = ()


def sources(root: str | Path) -> tuple[list[Source], list[Odd]]:
    """Every picture of the download by number, and files that belong to none. Nothing is decoded.

    Raises:
        DataError: no such folder, or one without pictures or masks.
    """
    root = Path(root)
    for folder in (IMAGES, MASKS):
        if not (root / folder).is_dir():
            raise DataError(f"{root} is no CelebAMask-HQ download: expected {IMAGES}/ and {MASKS}/ in it")
    images = {
        int(p.stem): p
        for p in (root / IMAGES).iterdir()
        if p.suffix.lower() in SUFFIXES and p.stem.isdecimal()
    }
    parts, odd, stray = _find_parts(root / MASKS)
    known = parts.keys() | images.keys()
    found = [_source(n, images.get(n), parts.get(n, {}), odd.get(n, [])) for n in sorted(known)]
    if not images or not parts:
        raise DataError(f"{root} holds {len(images)} pictures and masks of {len(parts)}: unpack all of it")
    return found, stray


def part_names() -> tuple[str, ...]:
    """The parts that the data set has masks of.

    >>> part_names()[:3]
    ('skin', 'l_brow', 'r_brow')
    """
    return schemes()[ORDERS[0]].classes[1:]


def check_order(scheme: Scheme) -> Scheme:
    """The scheme, whose classes beyond background are all parts; a class that no mask makes would stay empty.

    Raises:
        LabelError: a class that is no part, or no class at all but background.
    """
    stray = [name for name in scheme.classes[1:] if name not in part_names()]
    if stray or len(scheme) < 2:
        raise LabelError(
            f"scheme {scheme.name!r} has {', '.join(stray) or 'background alone'}, which no mask of CelebAMask-HQ "
            f"makes: name classes by its parts, {', '.join(part_names())}"
        )
    return scheme


def _source(number: int, image: Path | None, parts: Mapping[str, Path], odd: Sequence[Odd]) -> Source:
    name = str(number) if image is None else image.stem
    more = list(odd)
    if image is None:
        more.append(Odd("masks without a picture", f"{number:05d}"))
    elif not parts:
        more.append(Odd("picture without masks", image.name))
    else:
        missing = [p for p in _EXPECTED if p not in parts]
        if not {"l_eye", "r_eye", "eye_g"} & parts.keys():
            missing.append("both eyes")
        more += [Odd("missing part", f"{name}: {p}") for p in missing]
    return Source(name, image, tuple(sorted(parts.items())), tuple(more))


def _find_parts(
    folder: Path,
) -> tuple[dict[int, dict[str, Path]], dict[int, list[Odd]], list[Odd]]:
    known = set(part_names())
    parts: dict[int, dict[str, Path]] = defaultdict(dict)
    odd: dict[int, list[Odd]] = defaultdict(list)
    stray: list[Odd] = []
    for path in _files(folder):
        where = path.relative_to(folder).as_posix()
        named = _NUMBERED.fullmatch(path.name)
        if named is None:
            stray.append(Odd("unknown file", where))
            continue
        number, name = int(named[1]), named[2].lower()
        home = path.parent.name == str(number // PER_FOLDER)
        if name not in known:
            odd[number].append(Odd("unknown part", where))
        elif name in parts[number]:
            odd[number].append(Odd("duplicate mask", f"{where} beside {parts[number][name].parent.name}"))
            if home:
                parts[number][name] = path
        else:
            parts[number][name] = path
            if not home:
                odd[number].append(Odd("mask in another folder", where))
    return {n: p for n, p in parts.items() if p}, odd, stray


def _files(folder: Path) -> Iterator[Path]:
    # os.walk and not rglob, which takes several times as long over 375,000 files.
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(place, name)


def official_split(root: str | Path) -> dict[str, str]:
    """Number of a picture → `train`, `val` or `test`, from the two text files.

    Raises:
        DataError: a file that is missing or has a line that is not as described; the message says which.
    """
    root = Path(root)
    mapping = _table(root / MAPPING, 3, "a number, CelebA's number and CelebA's file")
    partition = {
        row[0]: row[1] for row in _table(_partition(root), 2, "CelebA's file and 0, 1 or 2").values()
    }
    found: dict[str, str] = {}
    for line, (number, _, original) in mapping.items():
        if not number.isdecimal():
            if line == 1:  # idx orig_idx orig_file
                continue
            raise DataError(f"{root / MAPPING}, line {line}: expected a number, got {number!r}")
        where = partition.get(original)
        if where not in ("0", "1", "2"):
            raise DataError(
                f"{_partition(root)} gives {original} (picture {number}) the part {where}; expected 0, 1 or 2"
            )
        found[str(int(number))] = SPLITS[int(where)]
    return found


def _partition(root: Path) -> Path:
    beside = root.parent / PARTITION
    return beside if not (root / PARTITION).is_file() and beside.is_file() else root / PARTITION


def _table(file: Path, columns: int, what: str) -> dict[int, list[str]]:
    if not file.is_file():
        raise DataError(
            f"the official split needs {file}"
            + (
                ", which comes with CelebA: put it there, or do without (--no-split, parts such as 0-80%)"
                if file.name == PARTITION
                else ""
            )
        )
    rows = {}
    for number, line in enumerate(read_text(file).splitlines(), 1):
        words = line.split()
        if words and len(words) < columns:
            raise DataError(f"{file}, line {number}: expected {what}, got {line.strip()!r}")
        if words:
            rows[number] = words[:columns]
    return rows


@register
class CelebAMaskHQ(PairedFiles):
    """The download itself, label maps painted as they are asked for (about 15 small files each).

    `faceparse data prepare celebamask-hq` paints them once instead, which reads several times as fast.

    Args:
        root: Folder of the download.
        split: train, val, test, all, or a part such as `0-80%`.
        scheme: Painting order: celebamask19, maskgan19 or segface-celeb19 (`faceparse.data.painting`).
        size: `masks` for 512², `images` for 1024², or a number of pixels.

    Raises:
        DataError: not such a folder; no such split, or its text files missing; no scheme.
        LabelError: no such scheme, or one with a class that is no part.
    """

    kind: ClassVar[str] = "celebamask-hq"
    title: ClassVar[str] = "CelebAMask-HQ as downloaded, one mask file per part"
    one_size: ClassVar[bool] = False

    def __init__(
        self,
        root: str | Path,
        split: str,
        scheme: str | Path | Scheme | None = None,
        *,
        size: str | int = "masks",
    ) -> None:
        if scheme is None:
            raise DataError(f"name the painting order with --data.scheme: {', '.join(ORDERS)}")
        painting = check_order(find_scheme(scheme))
        self._size = check_size(size)
        whole = {s.name: s for s in sources(root)[0] if s.image is not None and s.parts}
        if split == "all":
            chosen = list(whole)
        elif is_part(split):
            chosen = part(list(whole), split)
        elif split in SPLITS:
            listed = official_split(root)
            chosen = [name for name in whole if listed.get(str(int(name))) == split]
        else:
            raise DataError(f"CelebAMask-HQ has the splits {', '.join(SPLITS)} and all; got {split!r}")
        if not chosen:
            raise DataError(f"{root}: no picture in split {split!r}")
        self._sources = [whole[name] for name in chosen]
        super().__init__(painting, [(s.image, s.image) for s in self._sources if s.image])

    @classmethod
    def splits(cls, root: str | Path) -> tuple[str, ...]:
        return SPLITS if _partition(Path(root)).is_file() else ()

    def labels(self, index: int) -> NDArray[np.uint8]:
        if self._size == "images":  # the picture says how large
            return self[index].labels
        labels = paint_files(self._sources[index].parts, self.scheme)[0]
        return labels if self._size == "masks" else fit(labels, (int(self._size), int(self._size)))

    def made_of(self, index: int) -> tuple[str | Path, ...]:
        masks = (path for _, path in self._sources[index].parts)
        return self._pairs[index][0], *masks, f"size {self._size}"

    def __getitem__(self, index: int) -> Sample:
        source = self._sources[index]
        painted = paint_files(source.parts, self.scheme)[0]
        image, labels = same_size(self.image(index), painted, self._size)
        return Sample(str(source.image), image, labels)
