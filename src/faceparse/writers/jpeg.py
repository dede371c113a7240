"""Writing a drawing as JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError, OutputError
from faceparse.files import write_whole

QUALITY = 90
LARGEST = 65_500
"""Pixels along a side, at most: the format's limit as OpenCV's and Pillow's encoders set it."""


def write_jpeg(path: Path, picture: NDArray[np.uint8], quality: int = QUALITY) -> None:
    """Write RGB uint8, H × W × 3, at a quality of 1 to 100; whole or not at all.

    Raises:
        OutputError: a place that cannot be written to, or a side that JPEG cannot hold.
    """
    if max(picture.shape) > LARGEST:
        height, width = picture.shape[:2]
        raise OutputError(
            f"cannot write {path}: JPEG holds sides of up to {LARGEST} pixels, the picture is {width} × {height}"
        )
    # The same bytes as Pillow's at the same quality, a quarter sooner.
    _, coded = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    write_whole(path, coded.tobytes())


def check_quality(quality: int) -> None:
    """Raise a ConfigError where it is not 1 to 100."""
    if not 1 <= quality <= 100:
        raise ConfigError(f"quality is 1 to 100, got {quality}")
