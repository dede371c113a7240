"""Tars in the layout of WebDataset, as `faceparse data pack --to tars` writes them.

>>> train = WebDataset("faces", "train")  # doctest: +SKIP
>>> train[0].image.shape, train[0].labels.shape  # doctest: +SKIP
((512, 512, 3), (512, 512))

Layout (https://github.com/webdataset/webdataset)::

    ROOT/SPLIT-00000.tar            uncompressed
        __faceparse__/header.json   scheme and columns; WebDataset passes over it
        sub/KEY.jpg|png|…           the picture
        sub/KEY.labels.png          8-bit, pixel value = label
        sub/KEY.json                values of the columns, if there are any

In a key, `%2E` is a dot and `%25` a percent sign, because WebDataset ends a key at the first dot.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.data.packed import Index, Packed
from faceparse.data.registry import register
from faceparse.errors import DataError
from faceparse.files import open_regular
from faceparse.labels.archive import TAR_HEADER, from_key
from faceparse.pictures import SUFFIXES
from faceparse.tables import LARGEST

LABELS, COLUMNS = ".labels.png", ".json"
_PARTS = ("image", "labels", "columns")
_ENDINGS = {LABELS: 1, COLUMNS: 2}


@register
class WebDataset(Packed):
    """One split of a folder of tars."""

    kind: ClassVar[str] = "webdataset"
    title: ClassVar[str] = "tars in WebDataset's layout, as `faceparse data pack --to tars` writes them"
    ending: ClassVar[str] = ".tar"

    @staticmethod
    def _scan(path: Path) -> Index:
        header, suffixes = b"", dict[str, str]()
        places: dict[str, list[int]] = {}
        try:
            size = path.stat().st_size
            with open_regular(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                while member := tar.next():
                    tar.members = []  # type: ignore[attr-defined]  # which would hold an object for each file
                    if not 0 <= member.size <= size - member.offset_data:
                        raise tarfile.ReadError("it is cut short or damaged")
                    if not member.isreg() or member.issparse():
                        continue
                    folder, slash, last = member.name.rpartition("/")
                    stem, dot, ending = last.partition(".")
                    key, ending = folder + slash + stem, dot + ending
                    if member.name == TAR_HEADER and member.size <= LARGEST:
                        header = tar.extractfile(member).read()  # type: ignore[union-attr]
                    elif ending.lower() in SUFFIXES or ending in (LABELS, COLUMNS):
                        part = _ENDINGS.get(ending, 0)
                        place = places.setdefault(key, [0] * 6)
                        place[2 * part : 2 * part + 2] = member.offset_data, member.size
                        if not part:
                            suffixes[key] = ending
                file.seek(tar.offset)
                if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # tars end with zeros
                    raise tarfile.ReadError("it is cut short or damaged")
        except (OSError, tarfile.TarError, ValueError, OverflowError) as error:
            raise DataError(
                f"cannot read {path} as a tar: {getattr(error, 'strerror', 0) or error}"
            ) from None
        names = []
        for key, place in places.items():
            if key not in suffixes or not place[2]:
                raise DataError(f"{path} has no {'label map' if key in suffixes else 'picture'} of {key}")
            names.append(from_key(key) + suffixes[key])
        return Index(header, names, np.array([*places.values()], np.int64).reshape(len(names), 6))

    def _read(self, path: Path, place: NDArray[np.int64], parts: Sequence[str]) -> list[bytes]:
        contents = []
        with open_regular(path) as file:
            for part in map(_PARTS.index, parts):
                offset, size = place[2 * part : 2 * part + 2].tolist()
                file.seek(offset)
                contents.append(file.read(size))
        return contents
