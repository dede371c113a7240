"""A square of a picture as a picture of its own, with its parsing.

>>> square = Square.from_landmarks(parsing.faces[0].landmarks)  # doctest: +SKIP
>>> aligned(parsing, square, 512).mask("hair").shape  # doctest: +SKIP
(512, 512)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.results.parsing import Parsing
from faceparse.results.square import Square, crop

Affine = NDArray[np.float64]


def aligned(parsing: Parsing, square: Square, size: int) -> Parsing:
    """Return the parsing of a square of the picture, resampled to `size` × `size` pixels; without faces.

    Soft masks are drawn from the logits at the new size and follow the new picture's edges. Beyond the picture's
    border the picture is mirrored and its outermost labels go on.
    """
    image = crop(parsing.image, square, (size, size))
    to_crop = square.to_pixels((size, size))
    if parsing.label_map is not None:
        labels = cv2.warpAffine(
            parsing.label_map,
            between_pixels(to_crop),
            (size, size),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return replace(parsing, image=image, faces=(), false_faces=(), label_map=np.asarray(labels, np.uint8))
    to_picture = np.vstack([inverse(to_crop), [0, 0, 1]])
    views = []
    for view in parsing.views:
        first = "to_grid" if view.before is None else "before"  # the map that takes the picture's points
        maps: dict[str, Any] = {name: getattr(view, name) for name in (first, "frame")}
        maps = {name: matrix @ to_picture for name, matrix in maps.items() if matrix is not None}
        views.append(replace(view, **maps))
    return replace(parsing, image=image, views=tuple(views), faces=(), false_faces=())


def inverse(matrix: Affine) -> Affine:
    """Return the inverse of a 2 × 3 affine map."""
    return np.asarray(np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2])


def between_pixels(matrix: Affine) -> Affine:
    """Return a 2 × 3 map of points as OpenCV takes it: between pixels' columns and rows, whose centres are whole numbers."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return shifted
