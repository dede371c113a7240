"""Write drawings as JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import OutputError
from faceparse.files import write_atomic

QUALITY = 90
STRIP = 256
"""Rows whose red and blue are swapped at a time."""
LARGEST = 65_500
"""Longest side in pixels: the limit of OpenCV's and Pillow's encoders."""


def write_jpeg(path: Path, picture: NDArray[np.uint8], quality: int = QUALITY) -> None:
    """Write RGB uint8, H × W × 3, as JPEG of quality 1 to 100; on an error no file is left.

    The function swaps red and blue in the array itself, because copying a large picture takes too much
    memory.

    Raises:
        OutputError: a path that cannot be written, or a side longer than JPEG allows.
    """
    if max(picture.shape) > LARGEST:
        height, width = picture.shape[:2]
        raise OutputError(
            f"cannot write {path}: JPEG holds sides of up to {LARGEST} pixels, the picture is {width} × {height}"
        )
    for top in range(0, len(picture), STRIP):
        rows = picture[top : top + STRIP]
        cv2.cvtColor(rows, cv2.COLOR_RGB2BGR, dst=rows)
    # OpenCV writes the same bytes as Pillow, but faster and without Pillow's copy of four bytes a pixel.
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    write_atomic(path, coded.data)
