"""Removal of doubtful faces from a whole picture's view: coins and text get skin labels, but no eyes and mouth.

>>> view = without_doubtful_faces(whole_view(logits, card, (640, 480)), card.label_scheme)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceparse.faces.trust import EYES, MOUTH, SKIN, labels_of
from faceparse.labels import Scheme
from faceparse.labels.groups import GROUPS
from faceparse.results.samples import argmax, highest_probability
from faceparse.results.square import Square
from faceparse.results.view import View

WITH_A_FACE = (*GROUPS["face"], *GROUPS["ears"], "ear_r", "neck_l", "accessory")
"""Classes that are labelled only as part of a face; hair, hats, necks and clothes are labelled anywhere."""
SURE, LEAST_NOSE = 0.65, 0.02
"""Least mean probability of a face's winning classes, and least fraction of the face that is nose.

In whole pictures, faces have a probability of 0.68 to 0.94 and a nose of 0.02 to 0.12, some profiles less.
Coins, text and the moon have a probability of 0.53 to 0.60; cats and a cup of coffee have up to 0.76, but
hardly a nose.
"""
EXCLUDED_LOGIT = -1e4
"""Logit of a class that must not be labelled."""


def without_doubtful_faces(view: View, scheme: Scheme, faces: Sequence[Square] = ()) -> View:
    """Return the view without doubtful faces: those that lack skin, an eye, a nose or a mouth or are improbable.

    Args:
        view: The view of the whole picture.
        scheme: The scheme of the logits. If it does not tell skin, eyes and mouth apart, the view is not
            changed.
        faces: Squares of detected faces; other looks label these faces, so the view loses its face classes
            there.
    """
    import cv2

    parts = [labels_of(scheme, names) for names in (SKIN, EYES, MOUTH)]
    if not all(parts):
        return view
    nose = labels_of(scheme, ("nose",))
    logits, winners, classes = view.logits.copy(), argmax(view.logits), labels_of(scheme, WITH_A_FACE)
    candidates = np.isin(winners, classes).astype(np.uint8)
    for square in faces:
        corners = square.corners @ view.to_grid[:, :2].T + view.to_grid[:, 2]
        cv2.fillConvexPoly(candidates, np.rint(corners).astype(np.int32), 0)
    count, regions = cv2.connectedComponents(candidates)
    for i in range(1, count):
        region = regions == i
        there = all(np.isin(winners[region], part).any() for part in parts)
        there = there and (not nose or np.isin(winners[region], nose).mean() >= LEAST_NOSE)
        if not there or highest_probability(view.logits[:, region]).mean() < SURE:
            candidates[region] = 0
    # A rim of one cell around a face stays, so that the face's border does not move.
    doubtful = cv2.dilate(candidates, np.ones((3, 3), np.uint8)) == 0
    # Skin without a face becomes background, because the second best class means nothing there.
    best = logits[[0, *classes]].max(0)
    np.copyto(logits[0], best, where=doubtful)
    for label in classes:
        np.copyto(logits[label], np.float32(EXCLUDED_LOGIT), where=doubtful)
    return replace(view, logits=logits)
