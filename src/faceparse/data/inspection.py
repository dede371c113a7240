"""Inspection of one labelled picture, for a check of the whole data set."""

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
"""A data set whose pictures, label maps and landmarks can be read separately."""

THUMB = 16
"""Side, in pixels, of the gray thumbnails that are compared."""
_MIN_PIXELS = 16  # least pixels of a class for its place to count
_MIN_GAP = 0.02  # least distance of the two sides, as a fraction of the width


@dataclass(frozen=True, eq=False)
class Inspection:
    """Properties of one labelled picture.

    Attributes:
        faults: One line for each file that cannot be read.
        sizes: Text that says how the sizes of picture and label map differ; empty if their aspects agree or
            may differ.
        counts: Number of pixels of each label, 256.
        middles: Label → mean column, 0 to 1, for left and right classes.
        digest: Hash of the picture's pixels; empty if the picture cannot be read.
        thumb: Gray thumbnail, 16 × 16; black if the picture cannot be read.
    """

    faults: tuple[str, ...]
    sizes: str
    counts: NDArray[np.int64]
    middles: Mapping[int, float]
    digest: bytes
    thumb: NDArray[np.uint8]

    def left_lies(self, scheme: Scheme) -> dict[str, int]:
        """Return left class → 1 if it lies farther right in the picture than the right class of the pair, else -1.

        A pair is left out if one class is absent, or if one class lies above the other.
        """
        places = self.middles
        gaps = {
            left: places[left] - places[right]
            for left, right in scheme.pairs
            if {left, right} <= places.keys()
        }
        return {scheme.classes[i]: 1 if gap > 0 else -1 for i, gap in gaps.items() if abs(gap) >= _MIN_GAP}


def inspect(dataset: LabelledFiles, index: int) -> Inspection:
    """Inspect one picture and its label map; a file that cannot be read becomes a fault, not an error."""
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
    """Call `read`; return (result, empty text), or (None, error message) if it fails."""
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
