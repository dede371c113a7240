"""Helen's `overall`: brows, eyes, nose and mouth as one class.

Smith et al., CVPR 2013, and those who compare on Helen since: what lies inside a face, its parts not told apart.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import GROUPS, Scheme

INNER = ("brows", "eyes", "nose", "mouth", "lips")
"""Classes and groups that are merged."""


def inner_labels(scheme: Scheme) -> tuple[int, ...]:
    """The merged labels of a scheme; empty where it lacks one of the parts.

    >>> from faceparse.labels import scheme
    >>> inner_labels(scheme("helen11")), inner_labels(scheme("face2"))
    ((2, 3, 4, 5, 6, 7, 8, 9), ())
    """
    parts = [[scheme.id(c) for c in GROUPS.get(name, (name,)) if c in scheme] for name in INNER]
    return tuple(sorted(label for part in parts for label in part)) if all(parts) else ()


def merged_f1(matrix: NDArray[np.int64], labels: tuple[int, ...]) -> float:
    """F1 of several classes as one, 0 to 1; NaN where none of them occurs.

    Args:
        matrix: Pixel counts, true × predicted.
        labels: Which; a pixel of one that is called another of them counts as right.
    """
    which = list(labels)
    total = int(matrix[which].sum() + matrix[:, which].sum())
    return 2 * int(matrix[np.ix_(which, which)].sum()) / total if total else math.nan
