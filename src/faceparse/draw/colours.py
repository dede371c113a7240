"""The label map in its scheme's colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme
from faceparse.results import Parsing


def colours(parsing: Parsing) -> NDArray[np.uint8]:
    """Every pixel in its class's colour: RGB uint8, H × W × 3; ignored pixels (255) are black.

    >>> colours(parsing)[0, 0]  # doctest: +SKIP
    array([0, 0, 0], dtype=uint8)
    """
    return coloured(parsing.labels, parsing.scheme)


def coloured(labels: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.uint8]:
    """A label map (H × W uint8) in a scheme's colours: RGB uint8, H × W × 3."""
    # OpenCV's table lookup is ten times as fast as NumPy's indexing.
    return np.asarray(cv2.applyColorMap(np.ascontiguousarray(labels), scheme.palette[:, None]), np.uint8)
