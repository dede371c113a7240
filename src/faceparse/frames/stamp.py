"""Stamps: small aligned pictures of faces, to tell whether two faces look alike.

>>> likeness(stamp(image, face), stamp(image, face))  # doctest: +SKIP
1.0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection, Square, crop

Array = NDArray[np.float64]

SIDE, SCALE = 16, 0.8
"""Side of a stamp in pixels, and as a fraction of the face's aligned square."""
RENEWAL, SHOWN = 0.2, 0.3
"""Weight of a new stamp in the stored one; least fraction of pixels that both stamps must show to be compared."""


def stamp(image: NDArray[np.uint8], face: Detection) -> Array:
    """Return the stamp of a face, float64, pixels × 3; pixels beyond the picture's border are NaN."""
    square = Square.from_landmarks(face.landmarks).scale(SCALE)
    values = crop(image, square, (SIDE, SIDE)).astype(np.float64)
    steps = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    centre, x, y = (np.array(v) for v in (square.centre, square.x, square.y))
    points = centre + steps[:, None] * x + steps[:, None, None] * y
    values[((points < 0) | (points > image.shape[1::-1])).any(-1)] = np.nan
    return values.reshape(-1, 3)


def renewed(old: Array, new: Array) -> Array:
    """Return a stored stamp mixed with a new one; a pixel that only one of them shows comes from that one."""
    mix = (1 - RENEWAL) * old + RENEWAL * new
    return np.where(np.isnan(mix), np.where(np.isnan(old), new, old), mix)


def likeness(a: Array, b: Array) -> float:
    """Return the correlation of two stamps over the pixels that both show, −1 to 1; 0 if these are too few."""
    both = ~np.isnan(a[:, 0] + b[:, 0])
    if both.mean() < SHOWN:
        return 0.0
    a, b = (one[both] - one[both].mean() for one in (a, b))
    return float((a * b).sum() / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))
