"""Regions of a face's skin that no network labels, located by the face's landmarks and the label map.

>>> REGIONS["cheeks"]
('l_cheek', 'r_cheek')
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels import GROUPS, Scheme
from faceparse.registry import mend

REGIONS = MappingProxyType(
    {
        "forehead": ("forehead",),
        "cheeks": ("l_cheek", "r_cheek"),
        "l_cheek": ("l_cheek",),
        "r_cheek": ("r_cheek",),
        "under_eyes": ("l_under_eye", "r_under_eye"),
        "l_under_eye": ("l_under_eye",),
        "r_under_eye": ("r_under_eye",),
        "chin": ("chin",),
        "eyelids": ("l_eyelid", "r_eyelid"),
        "l_eyelid": ("l_eyelid",),
        "r_eyelid": ("r_eyelid",),
    }
)
"""Name of a region → names of the outlines that make it up."""

Points = NDArray[np.float64]
"""Picture points (x, y), n × 2."""

_HALF = np.linspace(0, np.pi, 17)[:, None]


def region(name: str, landmarks: Points, labels: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.bool_]:
    """Return the mask of a region's outline, H × W bool, whatever the labels inside it.

    Args:
        name: One of `REGIONS`.
        landmarks: The face's landmarks, 5 × 2, as `Face.landmarks`.
        labels: The label map, H × W uint8. It gives the places of eyes and brows, and which side is left; if
            that is unclear, `scheme.left_means` decides.
        scheme: The scheme of the label map.

    Raises:
        LabelError: no such region.
    """
    if name not in REGIONS:
        raise LabelError(f"no region of a face {name!r}{mend(name, REGIONS)}")
    outlines = _outlines(landmarks, labels, scheme)
    mask = np.zeros(labels.shape, np.uint8)
    for part in REGIONS[name]:  # coordinates in sixteenths of a pixel; OpenCV's origin is a pixel's centre
        cv2.fillPoly(mask, [np.rint(16 * outlines[part] - 8).astype(np.int32)], 1, shift=4)
    return mask.view(np.bool_)


def _outlines(landmarks: Points, labels: NDArray[np.uint8], scheme: Scheme) -> dict[str, Points]:
    """Return each region's polygon, which is wide at hair, ears, jaw, nose and lips: there the label map bounds it.

    Lengths are fractions, chosen by eye on portraits, of two vectors: from the eyes down to the mouth, and
    across from eye to eye, `_length` long.
    """
    eyes, nose, mouth = landmarks[:2], landmarks[2], landmarks[3:]
    near = partial(_pixels_by_eye, labels, eyes, 0.6 * _length(eyes, mouth))

    def middles(group: str, otherwise: Points) -> Points:
        """Return the mean place of a group's pixels near each eye, or `otherwise` where there are none."""
        points = near([i for i, name in enumerate(scheme.classes) if name in GROUPS[group]])
        return np.stack([p.mean(0) if len(p) else o for p, o in zip(points, otherwise, strict=True)])

    eyes = middles("eyes", eyes)
    down, across = mouth.mean(0) - eyes.mean(0), eyes[1] - eyes[0]
    across *= _length(eyes, mouth) / max(float(np.linalg.norm(across)), 1e-6)
    brows = middles("brows", eyes - 0.33 * down)
    lefts, rights = ([len(p) for p in near([pair[i] for pair in scheme.pairs])] for i in (0, 1))
    first, second = lefts[0] + rights[1], lefts[1] + rights[0]  # pixels that say which eye is the left one
    clear = 2 * abs(second - first) > first + second  # some networks call both eyes left
    left = int(second > first if clear else scheme.left_means != "viewer")

    sides = np.stack([-across, across])
    ends, chin = brows + sides, mouth + 0.1 * sides + 0.22 * down
    outlines = {
        "forehead": np.concatenate([ends, ends[::-1] - 1.3 * down]),
        "chin": np.concatenate([chin, mouth[::-1] + 1.15 * down]),
    }
    for side, out in enumerate(sides):
        eye, corner = eyes[side], mouth[side]
        letter = "l" if side == left else "r"
        outlines[f"{letter}_under_eye"] = eye + 0.32 * (np.cos(_HALF) * out + np.sin(_HALF) * down)
        rim, fold = eye - 0.04 * down, eye + 0.75 * (brows[side] - eye)
        outlines[f"{letter}_eyelid"] = np.stack(
            [rim - 0.3 * out, rim + 0.3 * out, fold + 0.34 * out, fold - 0.34 * out]
        )
        below = [(-0.22, 0.36), (0.1, 0.36), (0.3, 0.22), (0.75, 0.05)]
        outlines[f"{letter}_cheek"] = np.array(
            [eye + x * out + y * down for x, y in below]
            + [corner + x * out + y * down for x, y in ((0.75, 0.1), (0.1, -0.08))]
            + [nose + 0.32 * out + 0.08 * down]
        )
    return outlines


def _length(eyes: Points, mouth: Points) -> float:
    """Return the distance between the eyes; for a face turned aside, estimate it from eyes and mouth."""
    down, across = mouth.mean(0) - eyes.mean(0), eyes[1] - eyes[0]
    return max(float(np.linalg.norm(across)), 0.9 * float(np.linalg.norm(down)))


def _pixels_by_eye(
    labels: NDArray[np.uint8], eyes: Points, reach: float, ids: Sequence[int]
) -> tuple[Points, Points]:
    """Return, for each eye, the pixels with a label in `ids` that are nearer to this eye and within `reach`."""
    low = np.maximum(eyes.min(0) - reach, 0).astype(int)
    high = np.maximum(eyes.max(0) + reach + 1, 0).astype(int)
    rows, columns = np.nonzero(np.isin(labels[low[1] : high[1], low[0] : high[0]], ids))
    points = np.stack([columns, rows], 1) + low + 0.5
    distances = np.linalg.norm(points[:, None] - eyes, axis=-1)
    within, nearest = distances.min(1) < reach, distances.argmin(1)
    return points[within & (nearest == 0)], points[within & (nearest == 1)]
