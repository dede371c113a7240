"""Colours of classes: the palette of the CelebAMask-HQ demo, and stable colours for all other classes."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "background": (0, 0, 0),
    "skin": (204, 0, 0),
    "nose": (76, 153, 0),
    "eye_g": (204, 204, 0),
    "l_eye": (51, 51, 255),
    "r_eye": (204, 0, 204),
    "l_brow": (0, 255, 255),
    "r_brow": (51, 255, 255),
    "l_ear": (102, 51, 0),
    "r_ear": (255, 0, 0),
    "mouth": (102, 204, 0),
    "u_lip": (255, 255, 0),
    "l_lip": (0, 0, 153),
    "hair": (0, 0, 204),
    "hat": (255, 51, 153),
    "ear_r": (0, 204, 204),
    "neck_l": (0, 51, 0),
    "neck": (255, 153, 51),
    "cloth": (0, 204, 0),
    # Classes that the CelebAMask-HQ demo does not have.
    "beard": (128, 64, 0),
    "facewear": (153, 102, 255),
    "accessory": (230, 230, 115),
    "eyes": (51, 51, 255),
    "brows": (0, 255, 255),
    "ears": (102, 51, 0),
    "face": (204, 0, 0),
}
"""Class name → RGB."""


def palette(classes: Sequence[str], colours: Mapping[str, tuple[int, int, int]]) -> NDArray[np.uint8]:
    """Return the RGB colour of each label, 256 × 3 uint8, for class names in label order; other labels are black.

    A class gets its colour in `colours`, else its colour in `COLOURS`, else a bright colour derived from its
    name. If that colour is already used, another colour is derived, so that no two classes share one.
    """
    table = np.zeros((256, 3), np.uint8)
    used = set(colours.values())
    for i, name in enumerate(classes):
        colour = colours.get(name, COLOURS.get(name))
        turn = 0
        while colour is None or (colour in used and name not in colours):
            digest = hashlib.sha256(f"{name}/{turn}".encode()).digest()
            hue, saturation, value = digest[0] / 256, 0.5 + digest[1] / 512, 0.6 + digest[2] / 640
            r, g, b = colorsys.hsv_to_rgb(hue, saturation, value)
            colour = (round(255 * r), round(255 * g), round(255 * b))
            turn += 1
        used.add(colour)
        table[i] = colour
    table.setflags(write=False)
    return table
