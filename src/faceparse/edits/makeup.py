"""Colour on a part of the skin, as make-up gives it: thin, so that light and shade stay."""

from __future__ import annotations

import numpy as np

from faceparse.edits.canvas import Canvas, blurred, union
from faceparse.edits.colour import Floats, from_oklab, rgb, to_linear, to_oklab

DARKER = np.float32(0.6)
"""Part of the difference in lightness that make-up takes on."""


def paint(canvas: Canvas, region: str, softness: float, colour: str, strength: float) -> None:
    """Paint a region of every face.

    Args:
        canvas: The picture.
        region: See `Face.region`.
        softness: σ of the region's edge, in sides of the face.
        colour: The paint's.
        strength: 0 to 1.
    """
    faces = [face for face in canvas.parsing.faces if face.parsing is not None]
    places = [blurred(face.region(region), softness * max(face.size)) for face in faces]
    mask = union(places, canvas.parsing.size)
    if not mask.any() or not strength:
        return
    mask *= canvas.skin() * np.float32(strength)
    target = to_oklab(to_linear(rgb(colour)))
    offset = DARKER * (target[0] - to_oklab(canvas.sample(mask))[:, 0].mean())

    def change(light: Floats) -> Floats:
        lab = to_oklab(light)
        lab[:, 0] += offset
        lab[:, 1:] = target[1:]
        return from_oklab(lab)

    canvas.blend(mask, change)
