"""Writing a drawing as JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import OutputError
from faceparse.files import write_atomic

QUALITY = 90
STRIP = 256
"""Rows whose channels change places at a time."""
LARGEST = 65_500
"""Pixels along a side, at most: the format's limit as OpenCV's and Pillow's encoders set it."""


def write_jpeg(path: Path, picture: NDArray[np.uint8], quality: int = QUALITY) -> None:
    """Write RGB uint8, H × W × 3, at a quality of 1 to 100; whole or not at all.

    The array is changed (its red and blue are swapped), because a copy of a large picture would take too much
    memory.

    Raises:
        OutputError: a place that cannot be written to, or a side that JPEG cannot hold.
    """
    if max(picture.shape) > LARGEST:
        height, width = picture.shape[:2]
        raise OutputError(
            f"cannot write {path}: JPEG holds sides of up to {LARGEST} pixels, the picture is {width} × {height}"
        )
    for top in range(0, len(picture), STRIP):
        rows = picture[top : top + STRIP]
        cv2.cvtColor(rows, cv2.COLOR_RGB2BGR, dst=rows)
    # The same bytes as Pillow's at the same quality, sooner, and without its copy at four bytes a pixel.
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    write_atomic(path, coded.data)
