"""Figures of one face: areas, openings, tilt, size and colours.

>>> measure(faceparse.parse("photo.jpg").faces[0])["tilt"]  # doctest: +SKIP
-3.2
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ResultError
from faceparse.labels import GROUPS
from faceparse.results.parsing import Face

Points = NDArray[np.float64]
REACH = 1.5
"""Half the side of the square around a face in which its pixels are counted, in sides of its box."""
COLOURS = {"skin": ("skin", "nose"), "lips": ("lips",), "iris": ("eyes",), "hair": ("hair",)}
"""Place → the classes or groups whose pixels give its colour; of the eyes, the darker half."""


def measure(face: Face) -> dict[str, float | None]:
    """Measure a face by its own parsing.

    Args:
        face: From `Parsing.faces`.

    Returns:
        `size`: Longer side of the box, px. `tilt`: Degrees by which the line between the eyes falls to the right.
        `l_eye_opening`, `r_eye_opening`: Height of the eye divided by its width. `mouth_opening`: Height of the open mouth
        divided by the lips' width.
        `area_CLASS`: Per cent of the face's area. `PLACE_L`, `_a`, `_b`: Mean colour of skin, lips, iris and hair, CIELAB;
        `PLACE_spread`: Standard deviation of L. None where the scheme or the picture lacks the class.

    Raises:
        ResultError: a face without a parsing.
    """
    if face.parsing is None:
        raise ResultError("measures need the face's parsing: dataclasses.replace(face, parsing=parsing)")
    scheme, side = face.parsing.scheme, max(face.size)
    centre = np.array(face.box).reshape(2, 2).mean(0)
    low = np.maximum(centre - REACH * side, 0).astype(int)
    high = np.ceil(np.maximum(centre + REACH * side, 1)).astype(int)
    labels = face.parsing.labels[low[1] : high[1], low[0] : high[0]]
    lab = cv2.cvtColor(
        face.parsing.image[low[1] : high[1], low[0] : high[0]].astype(np.float32) / 255, cv2.COLOR_RGB2LAB
    )

    def inside(*names: str) -> NDArray[np.bool_]:
        classes = {c for name in names for c in GROUPS.get(name, (name,))}
        return np.isin(labels, [i for i, c in enumerate(scheme.classes) if c in classes])

    across = face.landmarks[1] - face.landmarks[0]
    angle = float(np.arctan2(across[1], across[0]))
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def extent(mask: NDArray[np.bool_]) -> Points | None:
        """Width and height along the face's axes, px."""
        points = np.argwhere(mask)[:, ::-1] @ axes.T
        return np.ptp(points, axis=0) + 1 if len(points) else None

    figures: dict[str, float | None] = {"size": side, "tilt": float(np.degrees(angle))}
    for name in ("l_eye", "r_eye"):
        eye = extent(inside(name))
        figures[f"{name}_opening"] = None if eye is None else float(eye[1] / eye[0])
    lips, mouth = extent(inside("lips", "mouth")), extent(inside("mouth"))
    figures["mouth_opening"] = None if lips is None else 0.0 if mouth is None else float(mouth[1] / lips[0])
    whole = int(inside("face").sum())
    for label, name in enumerate(scheme.classes):
        if name != "background":
            figures[f"area_{name}"] = 100 * float((labels == label).sum()) / whole if whole else None
    for place, names in COLOURS.items():
        pixels = lab[inside(*names)]
        if place == "iris" and len(pixels):
            pixels = pixels[pixels[:, 0] <= np.median(pixels[:, 0])]
        values = [*pixels.mean(0).tolist(), float(pixels[:, 0].std())] if len(pixels) else [None] * 4
        figures.update(
            zip((f"{place}_L", f"{place}_a", f"{place}_b", f"{place}_spread"), values, strict=True)
        )
    return figures
