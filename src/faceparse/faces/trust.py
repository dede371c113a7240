"""The network's check of a detected face: detectors also detect faces in cats, hands and the backs of heads.

>>> evidence = assess(view, landmarks, card.label_scheme)  # doctest: +SKIP
>>> evidence.is_face, round(evidence.trust, 2)  # doctest: +SKIP
(True, 0.94)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme
from faceparse.labels.groups import GROUPS
from faceparse.results.lookup import members
from faceparse.results.samples import argmax, highest_probability
from faceparse.results.square import Square
from faceparse.results.squash import squash
from faceparse.results.view import View

SKIN, EYES, MOUTH = ("skin", "face"), (*GROUPS["eyes"], "eye_g", "accessory"), ("mouth", *GROUPS["lips"])
POINTS = 50
"""Number of points along a side of the aligned square at which a view is read."""
NEAR = slice(POINTS // 5, POINTS - POINTS // 5)
"""Indices of these points, along a side, that are near the landmarks."""
LEAST_SKIN, LEAST_PART = 0.02, 0.002
"""Least fraction of the points near the landmarks for skin to count as present, and for an eye or a mouth."""
DOUBT = 0.65
"""Mean probability below which a face needs skin, an eye and a mouth.

Of 151 faces detected in Figaro pictures, the 5 in hair had up to 0.57. A hand had 0.63, a cat 0.62, and
profiles without an eye or a mouth 0.65 and more.
"""


class Evidence(NamedTuple):
    """The evidence for a face in a look.

    Attributes:
        trust: Mean probability of the winning class over the points whose class is in the group `face`, 0 to
            1; 0 without skin.
        is_face: False if skin, eye and mouth are all absent near the landmarks, or if any of them is absent
            and the mean probability is below `DOUBT`.
    """

    trust: float
    is_face: bool


def assess(view: View, landmarks: NDArray[np.float64], scheme: Scheme) -> Evidence:
    """Return the evidence for a face with these landmarks in a view; ignore eyes or mouth if the scheme lacks them."""
    logits = _read(view, Square.from_landmarks(landmarks))
    label = argmax(logits)
    face = members(labels_of(scheme, GROUPS["face"]))[label] > 0
    sure = float(highest_probability(logits[:, face]).mean()) if face.any() else 0.0
    near = np.bincount(label[NEAR, NEAR].ravel(), minlength=256) / label[NEAR, NEAR].size
    skin, eye, mouth = (near[labels_of(scheme, names)].sum() for names in (SKIN, EYES, MOUTH))
    shows = [skin >= LEAST_SKIN]
    shows += [
        share >= LEAST_PART for share, names in ((eye, EYES), (mouth, MOUTH)) if labels_of(scheme, names)
    ]
    return Evidence(sure if skin else 0.0, all(shows) or (any(shows) and sure >= DOUBT))


def labels_of(scheme: Scheme, names: tuple[str, ...]) -> list[int]:
    """Return the labels of the classes in `names` that a scheme has."""
    return [label for label, name in enumerate(scheme.classes) if name in names]


def _read(view: View, square: Square) -> NDArray[np.float32]:
    """Return a view's nearest logits at the points of a square, C × POINTS × POINTS."""
    steps = (np.arange(POINTS) + 0.5) / POINTS * 2 - 1
    centre, x, y = (np.array(v) for v in (square.centre, square.x, square.y))
    points = centre + steps[:, None] * x + steps[:, None, None] * y
    if view.before is not None:
        points = squash(points @ view.before[:, :2].T + view.before[:, 2])
    grid = np.rint(points @ view.to_grid[:, :2].T + view.to_grid[:, 2]).astype(np.intp)
    height, width = view.logits.shape[1:]
    index = grid[..., 1].clip(0, height - 1) * width + grid[..., 0].clip(0, width - 1)
    return np.asarray(view.logits.reshape(view.classes, -1).take(index, axis=1))
