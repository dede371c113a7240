"""Writing a drawing as JPEG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.files import atomic

QUALITY = 90


def write_jpeg(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write RGB uint8, H × W × 3, at quality 90; whole or not at all.

    Raises:
        OutputError: a place that cannot be written to.
    """
    with atomic(path, overwrite=True) as temporary:
        Image.fromarray(picture).save(temporary, "JPEG", quality=QUALITY)
