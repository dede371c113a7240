"""The inspection of one labelled picture, for a check of the whole data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.data.pairs import PairedFiles, aspects_differ
from faceparse.data.registry import Kind
from faceparse.errors import DataError
from faceparse.labels import Scheme, count

_T = TypeVar("_T")

LabelledFiles = Kind | PairedFiles
"""What is inspected: its pictures, label maps and landmarks are read one by one."""

THUMB = 16
"""Side of the gray thumbnail by which pictures are compared."""
_MIN_PIXELS = 16  # of a class whose place counts
_MIN_GAP = 0.02  # between the two sides, as a share of the width


@dataclass(frozen=True, eq=False)
class Inspection:
    """What one labelled picture is like.

    Attributes:
        faults: Lines about files that cannot be read.
        sizes: How the aspects of picture and label map differ; empty where they agree or may differ.
        counts: Pixels per label, 256.
        middles: Label → mean column, 0 to 1, of classes that have a left and a right.
        digest: Hash of the picture's pixels; empty if it could not be read.
        thumb: Gray picture at 16 × 16; black if it could not be read.
    """

    faults: tuple[str, ...]
    sizes: str
    counts: NDArray[np.int64]
    middles: Mapping[int, float]
    digest: bytes
    thumb: NDArray[np.uint8]

    def left_lies(self, scheme: Scheme) -> dict[str, int]:
        """Left class → 1 if it lies farther right in the picture than its right class, else -1.

        Pairs of which one is absent, or that lie one above the other, do not count.
        """
        places = self.middles
        gaps = {
            left: places[left] - places[right]
            for left, right in scheme.pairs
            if {left, right} <= places.keys()
        }
        return {scheme.classes[i]: 1 if gap > 0 else -1 for i, gap in gaps.items() if abs(gap) >= _MIN_GAP}


def inspect(dataset: LabelledFiles, index: int) -> Inspection:
    """Read one picture and its label map; a file that cannot be read becomes a fault, not an error."""
    image, image_fault = _attempt(dataset.image, index)
    labels, label_fault = _attempt(dataset.labels, index)
    _, landmark_fault = _attempt(dataset.landmarks, index)
    faults = tuple(dict.fromkeys(f for f in (image_fault, label_fault, landmark_fault) if f))
    sizes = ""
    if image is not None and labels is not None and getattr(dataset, "one_size", True):
        sizes = aspects_differ(image, labels)
    return Inspection(
        faults,
        sizes,
        np.zeros(256, np.int64) if labels is None else count(labels),
        {} if labels is None else _middles(labels, dataset.scheme),
        b"" if image is None else _digest(image),
        np.zeros((THUMB, THUMB), np.uint8) if image is None else _thumb(image),
    )


def _attempt(read: Callable[[int], _T], index: int) -> tuple[_T | None, str]:
    """What was read, or why it cannot be."""
    try:
        return read(index), ""
    except DataError as error:
        return None, str(error)


def _digest(image: NDArray[np.uint8]) -> bytes:
    digest = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    digest.update(image.tobytes())
    return digest.digest()


def _thumb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gray = Image.fromarray(image).convert("L")
    return np.asarray(gray.resize((THUMB, THUMB), Image.Resampling.BOX))


def _middles(labels: NDArray[np.uint8], scheme: Scheme) -> dict[int, float]:
    columns = (np.arange(labels.shape[1]) + 0.5) / labels.shape[1]
    middles = {}
    for label in {i for pair in scheme.pairs for i in pair}:
        per_column = np.count_nonzero(labels == label, axis=0)
        total = int(per_column.sum())
        if total >= _MIN_PIXELS:
            middles[label] = float(per_column @ columns) / total
    return middles
