"""What is known of a picture in plain values, as JSON takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faceparse.labels import IGNORE, count

if TYPE_CHECKING:
    from faceparse.results.face import Face
    from faceparse.results.parsing import Parsing

LANDMARKS = (
    "image_left_eye",
    "image_right_eye",
    "nose_tip",
    "image_left_mouth_corner",
    "image_right_mouth_corner",
)
"""Names of a face's landmarks in `Face.landmarks`' order; image-left is the subject's right."""


def record(parsing: Parsing) -> dict[str, object]:
    """Model, scheme, classes with areas and boxes, faces, timing.

    >>> record(parsing)["classes"]["hair"]  # doctest: +SKIP
    {'label': 17, 'pixels': 5120, 'area': 0.019531, 'box': [10, 4, 90, 83]}

    Boxes are x0, y0, x1, y1 and landmarks x, y, in pixels from the picture's upper left corner; areas are parts
    of the whole picture, 0 to 1; classes that do not occur are left out; seconds are as far as measured.
    """
    height, width = parsing.size
    pixels = count(parsing.labels)
    boxes = parsing.boxes
    return {
        "picture": {"file": Path(parsing.source).name, "width": width, "height": height},
        "model": parsing.model,
        "scheme": {"name": parsing.scheme.name, "left_means": parsing.scheme.left_means},
        "classes": {
            name: {
                "label": parsing.scheme.id(name),
                "pixels": int(pixels[parsing.scheme.id(name)]),
                "area": round(area, 6),
                "box": list(boxes[name]),
            }
            for name, area in parsing.areas.items()
        },
        "ignored_pixels": int(pixels[IGNORE]),
        "faces": [_face(face) for face in parsing.faces],
        "seconds": {step: round(seconds, 4) for step, seconds in parsing.seconds.items()},
        **({} if parsing.threshold is None else {"threshold": parsing.threshold}),
    }


def _face(face: Face) -> dict[str, object]:
    points = face.landmarks.round(2).tolist()
    return {
        "box": [round(v, 2) for v in face.box],
        "score": round(face.score, 4),
        "landmarks": dict(zip(LANDMARKS, points, strict=True)),
    }
