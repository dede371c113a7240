"""A confusion matrix over all pixels of all pictures, and F1, IoU and pixel accuracy computed from it.

>>> import numpy as np
>>> from faceparse.evaluate import Confusion
>>> from faceparse.labels import Scheme
>>> c = Confusion(Scheme("two", ("background", "face")))
>>> _ = c.update(np.array([[0, 1, 1]], np.uint8), np.array([[0, 1, 255]], np.uint8))
>>> c.mean_f1
1.0
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels import IGNORE, Scheme


class Confusion:
    """A confusion matrix: pixel counts by (true class, predicted class).

    A class's F1 is 2·TP / (predicted + true). The mean F1 leaves out background (label 0) and classes
    without predicted or true pixels, which have no F1.

    Attributes:
        matrix: Pixel counts, int64, true × predicted.
    """

    def __init__(self, scheme: Scheme, matrix: NDArray[np.int64] | None = None) -> None:
        self.scheme = scheme
        self.matrix = np.zeros((len(scheme), len(scheme)), np.int64) if matrix is None else matrix

    def update(self, predicted: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Count one picture and return the picture's own matrix; pixels with the true label 255 do not count.

        Raises:
            LabelError: the label maps differ in size or hold labels outside the scheme.
        """
        if predicted.shape != true.shape:
            raise LabelError(f"prediction is {predicted.shape}, label map {true.shape}: sizes must match")
        n = len(self.scheme)
        pairs = (true.reshape(-1).astype(np.uint16) << 8) | predicted.reshape(-1)
        table = np.bincount(pairs, minlength=1 << 16).reshape(256, 256)
        table[IGNORE] = 0
        if table[n:].any() or table[:, n:].any():
            self.scheme.check(true, "label map")
            self.scheme.check(predicted, "prediction")
            raise LabelError(f"prediction holds {IGNORE} (ignore): it must name a class for every pixel")
        one: NDArray[np.int64] = table[:n, :n].astype(np.int64)
        self.matrix += one
        return one

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 of each class in label order, 0 to 1; NaN for a class without predicted or true pixels."""
        total = self.matrix.sum(1) + self.matrix.sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            f1: NDArray[np.float64] = 2 * np.diagonal(self.matrix) / total
        return f1

    @property
    def iou(self) -> NDArray[np.float64]:
        """IoU of each class in label order, 0 to 1; NaN for a class without predicted or true pixels."""
        return self.f1 / (2 - self.f1)

    @property
    def mean_f1(self) -> float:
        """Mean F1 over the present classes without background, 0 to 1; NaN without such a class."""
        return mean_of_present(self.f1[1:])

    @property
    def pixel_accuracy(self) -> float:
        """Fraction of counted pixels with the right label, background included, 0 to 1."""
        total = int(self.matrix.sum())
        return float(np.trace(self.matrix) / total) if total else math.nan


def mean_of_present(values: NDArray[np.float64]) -> float:
    """Return the mean of the values that are not NaN; NaN if all are NaN."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
