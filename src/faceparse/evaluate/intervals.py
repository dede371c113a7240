"""Confidence intervals of F1, by bootstrap over pictures.

Each draw takes pictures with replacement (Efron, Bootstrap methods: another look at the jackknife, 1979). Two
models on the same pictures get the same draws, so that their difference is paired.

>>> import numpy as np
>>> counts = np.array([[[8, 10, 10]], [[3, 5, 6]]])  # two pictures, one class: overlap, predicted, true
>>> bootstrap(counts, draws=200, seed=0).shape
(200, 1)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError
from faceparse.evaluate.report import Report

DRAWS, SEED = 1000, 0


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 95 % bootstrap interval, all in percent."""

    value: float
    low: float
    high: float


def bootstrap(counts: NDArray[np.int64], draws: int = DRAWS, seed: int = SEED) -> NDArray[np.float64]:
    """Compute the F1 of each class in each bootstrap draw.

    Args:
        counts: Overlap, predicted and true pixels, (pictures, classes, 3).
        draws: Number of draws.
        seed: Seed of the draws, which are the same for any model on the same number of pictures.

    Returns:
        F1, (draws, classes), 0 to 1; NaN for a class that is in none of the drawn pictures.
    """
    rng = np.random.default_rng(seed)
    pictures = len(counts)
    weights = rng.multinomial(pictures, np.full(pictures, 1 / pictures), draws)
    sums = np.tensordot(weights, counts, 1)
    with np.errstate(invalid="ignore"):
        scores: NDArray[np.float64] = 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2])
    return scores


def intervals(report: Report, draws: int = DRAWS, seed: int = SEED) -> dict[str, Interval]:
    """Return the F1 of each counted class, and the mean F1 as `mean`, with 95 % intervals; their ends are NaN without draws."""
    return _intervals(report, _values(report), _replicates(report, draws, seed))


def differences(one: Report, other: Report, draws: int = DRAWS, seed: int = SEED) -> dict[str, Interval]:
    """Return intervals of the first report's F1 minus the second's, for each class and, as `mean`, for the mean F1.

    If an interval excludes 0, the choice of pictures does not explain the difference.

    Raises:
        DataError: the reports differ in pictures, classes or protocol.
    """
    same = (one.names, one.counted, one.scheme, one.protocol)
    if same != (other.names, other.counted, other.scheme, other.protocol):
        raise DataError(
            "expected two reports on the same pictures, with the same classes and protocol; these differ"
        )
    replicates = _replicates(one, draws, seed) - _replicates(other, draws, seed)
    return _intervals(one, _values(one) - _values(other), replicates)


def _values(report: Report) -> NDArray[np.float64]:
    return np.array([*report.f1.values(), report.mean_f1])


def _replicates(report: Report, draws: int, seed: int) -> NDArray[np.float64]:
    """Return the F1 of the counted classes in each draw, and their mean in the last column; NaN for absent classes."""
    scores = 100 * bootstrap(report.counts[:, list(report.counted)], draws, seed)
    with np.errstate(invalid="ignore"):
        means = np.nansum(scores, 1) / (~np.isnan(scores)).sum(1)
    return np.column_stack([scores, means])


def _intervals(
    report: Report, values: NDArray[np.float64], replicates: NDArray[np.float64]
) -> dict[str, Interval]:
    result = {}
    for name, value, column in zip([*report.f1, "mean"], values.tolist(), replicates.T, strict=True):
        scores = column[~np.isnan(column)]
        low, high = np.percentile(scores, [2.5, 97.5]) if scores.size else (np.nan, np.nan)
        result[name] = Interval(value, float(low), float(high))
    return result
