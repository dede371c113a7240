"""F1, IoU and pixel accuracy of a predictor on a labelled data set.

>>> from faceparse.evaluate import evaluate
>>> report = evaluate(
...     lambda sample: parser.parse(sample.image).labels, dataset, dataset.scheme, parser.scheme
... )  # doctest: +SKIP
>>> round(report.mean_f1, 1)  # doctest: +SKIP
83.1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.data.landmarks import five_points, mirror
from faceparse.errors import DataError
from faceparse.evaluate.confusion import Confusion, mean_of_present
from faceparse.labels import GROUPS, IGNORE, Scheme, conversion
from faceparse.parser import in_order

INNER = ("brows", "eyes", "nose", "mouth", "lips")
"""Classes and groups that Helen's `overall` merges into one: the inner parts of a face (Smith et al., CVPR 2013)."""

FIGURES = ("mean_f1", "mean_iou", "overall", "pixel_accuracy")
"""Figures of a `Report` that do not belong to a single class."""


def inner_labels(scheme: Scheme) -> tuple[int, ...]:
    """Return the labels of `INNER` in a scheme; empty if the scheme lacks one of these parts.

    >>> from faceparse.labels import scheme
    >>> inner_labels(scheme("helen11")), inner_labels(scheme("face2"))
    ((2, 3, 4, 5, 6, 7, 8, 9), ())
    """
    parts = [[scheme.id(c) for c in GROUPS.get(name, (name,)) if c in scheme] for name in INNER]
    return tuple(sorted(label for part in parts for label in part)) if all(parts) else ()


@dataclass(frozen=True)
class Report:
    """F1, IoU and pixel accuracy over a whole data set, in percent, 0 to 100.

    Attributes:
        scheme: Scheme of the predictions, to which the true labels were converted.
        counted: Labels that have an F1: those to which the data set's labels convert, without background.
        matrix: Pixel counts, true × predicted.
        names: Names of the counted pictures.
        counts: Overlap, predicted and true pixels of each picture, (pictures, classes, 3).
        protocol: `label` or `input`; see `faceparse.evaluate.scoring`.
        model: The model's name; empty without a model.
    """

    scheme: Scheme
    counted: tuple[int, ...]
    matrix: NDArray[np.int64]
    names: tuple[str, ...]
    counts: NDArray[np.int64]
    protocol: str = "label"
    model: str = ""

    @property
    def pictures(self) -> int:
        """Number of counted pictures."""
        return len(self.names)

    @property
    def _confusion(self) -> Confusion:
        return Confusion(self.scheme, self.matrix)

    @property
    def f1(self) -> dict[str, float]:
        """F1 of each counted class, 0 to 100; NaN for a class without predicted or true pixels."""
        values = 100 * self._confusion.f1
        return {self.scheme.classes[i]: float(values[i]) for i in self.counted}

    @property
    def mean_f1(self) -> float:
        """Mean of `f1` over the classes that occur, 0 to 100."""
        return mean_of_present(np.array(list(self.f1.values())))

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union of the counted classes that occur, 0 to 100."""
        return 100 * mean_of_present(self._confusion.iou[list(self.counted)])

    @property
    def overall(self) -> float:
        """F1 of the classes `INNER` as one class, as on Helen, 0 to 100; NaN if the data set lacks one of them."""
        labels = list(inner_labels(self.scheme))
        total = int(self.matrix[labels].sum() + self.matrix[:, labels].sum())
        if not total or not {*labels} <= {*self.counted}:
            return math.nan
        return 100 * (2 * int(self.matrix[np.ix_(labels, labels)].sum()) / total)

    @property
    def pixel_accuracy(self) -> float:
        """Percentage of counted pixels with the right label, background included, 0 to 100."""
        return 100 * self._confusion.pixel_accuracy

    def worst(self, name: str, count: int = 1) -> dict[str, float]:
        """Return (picture, F1) pairs for the pictures with the lowest F1 of a class, 0 to 100, lowest first.

        Pictures without a predicted or true pixel of the class are left out.
        """
        overlap, predicted, true = self.counts[:, self.scheme.id(name)].T
        present = np.flatnonzero(predicted + true)
        scores = 200 * overlap[present] / (predicted + true)[present]
        order = np.argsort(scores, kind="stable")[:count]
        return {self.names[present[i]]: float(scores[i]) for i in order}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON; the F1 of a class that does not occur is None."""
        return {
            "model": self.model,
            "protocol": self.protocol,
            "scheme": self.scheme.name,
            "pictures": self.pictures,
            **{name: number(getattr(self, name)) for name in FIGURES},
            "f1": {k: number(v) for k, v in self.f1.items()},
        }


def number(value: float) -> float | None:
    """Convert NaN, which JSON lacks, to None."""
    return None if math.isnan(value) else value


Predict = Callable[[Sample], NDArray[np.uint8]]
"""Function from a sample to predicted labels, H × W uint8; it must not use the sample's labels."""


def evaluate(
    predict: Predict,
    samples: Iterable[Sample],
    source: Scheme,
    target: Scheme,
    sides: str = "subject",
    protocol: str = "label",
    workers: int = 1,
) -> Report:
    """Compare a predictor's label maps with the label maps of a data set.

    All pixels of all pictures, except those labelled 255 (ignore), go into one confusion matrix. The mean F1
    is over the classes of `target` to which the labels convert, without background.

    Args:
        predict: Function from a sample to labels, H × W uint8 in `target`; with several `workers`, called from several
            threads.
        samples: A data set or a part of it; at most `workers` + 1 samples are in memory at a time. For protocol
            `input`, the samples must have the network's input size already (`scoring.at_input`).
        source: Scheme of the samples' labels, which are converted to `target`.
        target: Scheme of the predictions.
        sides: How left and right classes are converted; see `faceparse.labels.conversion`.
        protocol: Value of `Report.protocol`.
        workers: Number of pictures predicted at a time; the report does not depend on it.

    Raises:
        LabelError: `source` does not convert to `target`, or a label map has labels outside its scheme.
        DataError: a picture or label map that cannot be read, or every label is ignored.
    """
    convert = conversion(source, target, sides)
    reachable = sorted(set(convert.table[: len(source)].tolist()) - {0, IGNORE})
    confusion = Confusion(target)
    names, counts = [], []

    def count(sample: Sample) -> tuple[str, NDArray[np.int64]]:
        source.check(sample.labels, sample.name)
        return sample.name, Confusion(target).update(predict(sample), convert(sample.labels))

    for name, matrix in in_order(count, samples, workers):
        confusion.matrix += matrix
        names.append(name)
        counts.append(np.stack([np.diagonal(matrix), matrix.sum(0), matrix.sum(1)], 1))
    if not confusion.matrix.any():
        fault = f"every label of {len(names):,} pictures is {IGNORE} (ignore) in scheme {target.name}"
        raise DataError(f"no pixel to count: {fault}; faceparse data check shows what label maps hold")
    each = np.array(counts, np.int64).reshape(len(counts), len(target), 3)
    return Report(target, tuple(reachable), confusion.matrix, tuple(names), each, protocol)


def mirror_agreement(
    predict: Predict, samples: Iterable[Sample], scheme: Scheme, workers: int = 1
) -> dict[str, float]:
    """Measure whether a model tells left from right: the F1 between its labels of pictures and of their mirror images.

    >>> mirror_agreement(predict, dataset, scheme("celebamask19"))["l_eye"]  # doctest: +SKIP
    97.4

    Args:
        predict: Function from a sample to labels, H × W uint8 in `scheme`; a mirrored sample has five
            landmarks or none.
        samples: A data set or a part of it; its labels are not used.
        scheme: Scheme of the predictions.
        workers: As in `evaluate`.

    Returns:
        F1 of each left and right class that occurs, 0 to 100. A model that guesses sides gets 50.
    """
    confusion = Confusion(scheme)

    def count(sample: Sample) -> NDArray[np.int64]:
        points = sample.landmarks
        if points is not None:
            points = mirror(five_points(points), sample.image.shape[1])
        mirrored = replace(sample, image=np.ascontiguousarray(sample.image[:, ::-1]), landmarks=points)
        return Confusion(scheme).update(scheme.flip(predict(mirrored)), predict(sample))

    for matrix in in_order(count, samples, workers):
        confusion.matrix += matrix
    scores = 100 * confusion.f1
    sided = sorted(label for pair in scheme.pairs for label in pair)
    return {scheme.classes[i]: float(scores[i]) for i in sided if not np.isnan(scores[i])}
