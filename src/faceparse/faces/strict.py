"""A whole picture's view without doubtful faces: to the network coins and text are skin, but not skin, eyes and mouth.

>>> view = without_doubtful_faces(whole_view(logits, card, (640, 480)), card.label_scheme)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceparse.faces.align import Square
from faceparse.faces.trust import EYES, MOUTH, SKIN, labels_of
from faceparse.labels import Scheme
from faceparse.labels.groups import GROUPS
from faceparse.results.sampling import highest_probability
from faceparse.results.view import View

WITH_A_FACE = (*GROUPS["face"], *GROUPS["ears"], "ear_r", "neck_l", "accessory")
"""What is labelled together with a face only; hair, hats, necks and clothes are labelled anywhere."""
SURE, LEAST_NOSE = 0.65, 0.02
"""Mean probability of these classes in a face, and its part that is nose, at least. In whole pictures faces have 0.68 to 0.94 and
0.02 to 0.12, some profiles less; coins, text, the moon 0.53 to 0.60; cats and a cup of coffee up to 0.76, but hardly a nose."""
EXCLUDED_LOGIT = -1e4
"""Logit of a class where it is not labelled."""


def without_doubtful_faces(view: View, scheme: Scheme, faces: Sequence[Square] = ()) -> View:
    """The view with face classes only in regions where skin, an eye, a nose and a mouth are all there and likely.

    Args:
        view: Of the whole picture.
        scheme: Of its logits. One that does not tell skin, eyes and mouth apart leaves the view as it is.
        faces: Squares in which other looks say what is a face.
    """
    import cv2

    parts = [labels_of(scheme, names) for names in (SKIN, EYES, MOUTH)]
    if not all(parts):
        return view
    nose = labels_of(scheme, ("nose",))
    logits, label, classes = view.logits.copy(), view.logits.argmax(0), labels_of(scheme, WITH_A_FACE)
    candidates = np.isin(label, classes).astype(np.uint8)
    for square in faces:
        corners = square.corners @ view.to_grid[:, :2].T + view.to_grid[:, 2]
        cv2.fillConvexPoly(candidates, np.rint(corners).astype(np.int32), 0)
    count, regions = cv2.connectedComponents(candidates)
    for i in range(1, count):
        region = regions == i
        there = all(np.isin(label[region], part).any() for part in parts)
        there = there and (not nose or np.isin(label[region], nose).mean() >= LEAST_NOSE)
        if not there or highest_probability(view.logits[:, region]).mean() < SURE:
            candidates[region] = 0
    # A rim of one cell stays, so that a face's border lies where it was.
    doubtful = cv2.dilate(candidates, np.ones((3, 3), np.uint8)) == 0
    # What looks like skin and is no face is background: the second best class says nothing there.
    logits[0][doubtful] = logits[[0, *classes]][:, doubtful].max(0)
    logits[np.array(classes)[:, None], doubtful.nonzero()[0], doubtful.nonzero()[1]] = EXCLUDED_LOGIT
    return replace(view, logits=logits)
