"""One look at one labelled picture: what a check of the whole set needs to know of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.data.registry import Kind
from faceparse.errors import DataError
from faceparse.labels import Scheme, count

THUMB = 16
"""Side of the gray thumbnail by which pictures are compared."""
_ENOUGH = 16  # pixels of a class before its place says anything
_CLEARLY = 0.02  # part of the width by which two sides must differ


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen.

    Attributes:
        faults: Lines about files that cannot be read.
        size: (width, height) of the picture, if it could be read.
        label_size: (width, height) of the label map, if it could be read.
        counts: Pixels per label, 256.
        middles: Label → mean column, 0 to 1, of classes that have a left and a right.
        digest: Hash of the picture's pixels, or nothing.
        thumb: Gray picture at 16 × 16, or None.
    """

    faults: tuple[str, ...]
    size: tuple[int, int] | None
    label_size: tuple[int, int] | None
    counts: NDArray[np.int64]
    middles: Mapping[int, float]
    digest: bytes
    thumb: NDArray[np.uint8]

    def left_lies(self, scheme: Scheme) -> dict[str, int]:
        """Left class → 1 where it lies farther right in the picture than its right class, else -1.

        Pairs of which one is not there, or that lie one above the other, say nothing.
        """
        gaps = {
            a: self.middles[a] - self.middles[b] for a, b in scheme.pairs if {a, b} <= self.middles.keys()
        }
        return {scheme.classes[a]: 1 if gap > 0 else -1 for a, gap in gaps.items() if abs(gap) >= _CLEARLY}


def look(dataset: Kind, index: int) -> Look:
    """Read one picture and its label map; what cannot be read is a fault and no error."""
    faults = []
    image: NDArray[np.uint8] | None = None
    labels: NDArray[np.uint8] | None = None
    try:
        image = dataset.image(index)
    except DataError as error:
        faults.append(str(error))
    try:
        labels = dataset.labels(index)
    except DataError as error:
        if str(error) not in faults:
            faults.append(str(error))
    try:
        dataset.landmarks(index)
    except DataError as error:
        faults.append(str(error))
    return Look(
        tuple(faults),
        None if image is None else (image.shape[1], image.shape[0]),
        None if labels is None else (labels.shape[1], labels.shape[0]),
        np.zeros(256, np.int64) if labels is None else count(labels),
        {} if labels is None else _middles(labels, dataset.scheme),
        b"" if image is None else _digest(image),
        np.zeros((THUMB, THUMB), np.uint8) if image is None else _thumb(image),
    )


def _digest(image: NDArray[np.uint8]) -> bytes:
    made = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    made.update(image.tobytes())
    return made.digest()


def _thumb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gray = Image.fromarray(image).convert("L")
    return np.asarray(gray.resize((THUMB, THUMB), Image.Resampling.BOX))


def _middles(labels: NDArray[np.uint8], scheme: Scheme) -> dict[int, float]:
    columns = (np.arange(labels.shape[1]) + 0.5) / labels.shape[1]
    found = {}
    for label in {i for pair in scheme.pairs for i in pair}:
        per_column = np.count_nonzero(labels == label, axis=0)
        total = int(per_column.sum())
        if total >= _ENOUGH:
            found[label] = float(per_column @ columns) / total
    return found
