"""Logits of a network whose classes differ from the classes of its results.

FCN-8s has 21 channels, twenty of which mean face: its authors compute the face probability as a softmax over
background and the strongest of the twenty. Logits merged to these two channels give this probability in every
view.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme, conversion
from faceparse.labels.registry import scheme_inside
from faceparse.weights.card import Card


def scheme_of_results(card: Card) -> Scheme:
    """Return the scheme of a model's results: the logits' scheme, or the `result_scheme` that it names."""
    return result_scheme(card.label_scheme)


def result_scheme(original: Scheme) -> Scheme:
    """Return the scheme of the results of a network with this scheme.

    >>> from faceparse.labels import scheme
    >>> result_scheme(scheme("voc21-face")).name, result_scheme(scheme("lapa11")).name
    ('face2', 'lapa11')
    """
    return scheme_inside(original.result_scheme) if original.result_scheme else original


def read_logits(logits: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Merge logits (B, C, h, w) into `scheme_of_results`: each class gets its channels' highest logit.

    >>> from faceparse.weights import card
    >>> read_logits(np.zeros((1, 21, 4, 4), np.float32), card("fcn8s")).shape  # doctest: +SKIP
    (1, 2, 4, 4)
    """
    original, target = card.label_scheme, scheme_of_results(card)
    if original == target:
        return logits
    table = conversion(original, target).table[: len(original)]
    return np.stack([logits[:, table == label].max(1) for label in range(len(target))], 1)
