"""The label map as a palette PNG."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import OutputError
from faceparse.labels import Scheme
from faceparse.results.png import write_png


def write_mask(target: str | Path | IO[bytes], labels: NDArray[np.uint8], scheme: Scheme) -> None:
    """Write a label map as a palette PNG: pixel value = label, colours the scheme's.

    >>> write_mask("mask.png", labels, scheme("celebamask19"))  # doctest: +SKIP

    Args:
        target: A path ending in .png, written whole or not at all, or a binary file.
        labels: H × W uint8.
        scheme: Gives the colours.

    Raises:
        OutputError: another suffix, no such folder, no permission, a full disk.
    """
    if isinstance(target, str | Path) and Path(target).suffix.lower() != ".png":
        raise OutputError(f"a mask is written as PNG, for labels must stay exact: name it .png, not {target}")
    write_png(Path(target) if isinstance(target, str) else target, labels, scheme.palette)
