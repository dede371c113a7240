"""Logits of a network whose classes are not those of its results.

FCN-8s has 21 channels, of which twenty all mean face: its authors' face probability is softmax over
background and the strongest of the twenty. Reduced to these two, its logits give that probability in every view.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme, conversion
from faceparse.labels.registry import scheme_inside
from faceparse.weights.card import Card


def scheme_of_results(card: Card) -> Scheme:
    """The scheme that a model's logits are read as: its own, or the `result_scheme` of that."""
    return result_scheme(card.label_scheme)


def result_scheme(original: Scheme) -> Scheme:
    """The scheme that logits of a scheme are read as.

    >>> from faceparse.labels import scheme
    >>> result_scheme(scheme("voc21-face")).name, result_scheme(scheme("lapa11")).name
    ('face2', 'lapa11')
    """
    return scheme_inside(original.result_scheme) if original.result_scheme else original


def read_logits(logits: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Merge logits (B, C, h, w) into `scheme_of_results`: each class gets the highest that converts to it.

    >>> from faceparse.weights import card
    >>> read_logits(np.zeros((1, 21, 4, 4), np.float32), card("fcn8s")).shape  # doctest: +SKIP
    (1, 2, 4, 4)
    """
    original, target = card.label_scheme, scheme_of_results(card)
    if original == target:
        return logits
    table = conversion(original, target).table[: len(original)]
    return np.stack([logits[:, table == label].max(1) for label in range(len(target))], 1)
