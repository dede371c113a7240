"""Paint a part of the skin as make-up does: thinly, so that light and shade stay."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import Floats, from_oklab, rgb, to_bytes, to_linear, to_oklab
from faceparse.labels import GROUPS
from faceparse.results import Face

Points = NDArray[np.float64]
LIGHTNESS, CHROMA = np.float32(0.7), np.float32(0.85)
"""How far make-up moves the skin towards the paint, 0 to 1: in lightness; in hue and chroma."""
ROOM = 0.25
"""Margin around a face's box, as a fraction of its longer side; make-up reaches no farther."""


class Place:
    """The surroundings of one face, cut out of the picture.

    Attributes:
        box: The cut-out's rows and columns in the picture.
        pixels: The cut-out, RGB, uint8.
        landmarks: The face's landmarks, 5 × 2, x and y in the cut-out.
        labels: The cut-out's label map, uint8.
        scheme: The scheme of the labels.
        side: Longer side of the face's box in pixels.
    """

    def __init__(self, canvas: Canvas, face: Face) -> None:
        self.side, self.scheme = max(face.size), canvas.parsing.scheme
        low, high = np.array(face.box).reshape(2, 2) + ROOM * self.side * np.array([[-1], [1]])
        limits = np.array(canvas.parsing.size[::-1])
        low, high = np.clip(low, 0, limits).astype(int), np.clip(high, 0, limits).astype(int)
        self.box = slice(low[1], high[1]), slice(low[0], high[0])
        self.pixels, self.labels = to_bytes(canvas.pixels[self.box]), canvas.parsing.labels[self.box]
        self.landmarks = face.landmarks - low

    def labelled(self, name: str) -> NDArray[np.bool_]:
        """Return the mask of a class or group, bool; all False if the scheme lacks it."""
        names = GROUPS.get(name, (name,))
        return np.isin(self.labels, [i for i, c in enumerate(self.scheme.classes) if c in names])


def paint(canvas: Canvas, colour: str, strength: float, weigh: Callable[[Place], Floats]) -> None:
    """Paint a part of every face's skin.

    Args:
        canvas: The picture.
        colour: The paint's colour, `#rrggbb` or a CSS name.
        strength: 0 (no paint) to 1.
        weigh: Function that returns the amount of paint on each pixel of a place, 0 to 1.
    """
    mask: Floats = np.zeros(canvas.parsing.size, np.float32)
    faces = sorted(canvas.parsing.faces, key=lambda face: max(face.size))
    for face in faces:  # the largest last: it is in front
        place = Place(canvas, face)
        x0, y0, x1, y1 = face.box
        middle, half = (
            (round((x0 + x1) / 2), round((y0 + y1) / 2)),
            (round(0.6 * (x1 - x0)), round(0.6 * (y1 - y0))),
        )
        cv2.ellipse(mask, middle, half, 0, 0, 360, 0, cv2.FILLED)
        if place.labels.size:
            np.maximum(mask[place.box], weigh(place), out=mask[place.box])
    if not strength or not mask.any():
        return
    mask *= canvas.soft("skin") * np.float32(strength)
    target = to_oklab(to_linear(rgb(colour)))
    offset = LIGHTNESS * (target[0] - to_oklab(canvas.sample(mask))[:, 0].mean())

    def change(light: Floats) -> Floats:
        lab = to_oklab(light)
        lab[:, 0] += offset
        depth = np.minimum(
            1, np.maximum(lab[:, :1], 0) / max(target[0], 0.1)
        )  # paint in the shade has less chroma
        lab[:, 1:] += CHROMA * (depth * target[1:] - lab[:, 1:])
        return from_oklab(lab)

    canvas.blend(mask, change)


def distance(mask: NDArray[np.bool_]) -> Floats:
    """Return the distance in pixels from each pixel to the mask's nearest pixel."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
