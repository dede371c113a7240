"""Writing a drawing as JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.files import atomic

QUALITY = 90
STRIP = 256
"""Rows whose channels change places at a time."""


def write_jpeg(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write RGB uint8, H × W × 3, at quality 90; whole or not at all.

    The picture is used up: its red and blue change places, for a copy of a large one is what memory lacks.

    Raises:
        OutputError: a place that cannot be written to.
    """
    for top in range(0, len(picture), STRIP):
        rows = picture[top : top + STRIP]
        cv2.cvtColor(rows, cv2.COLOR_RGB2BGR, dst=rows)
    # The same bytes as Pillow's at the same quality, without its copy at four bytes a pixel.
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    with atomic(path, overwrite=True) as temporary:
        temporary.write_bytes(coded.data)
