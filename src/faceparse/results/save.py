"""The label map as a palette PNG."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import OutputError
from faceparse.files import atomic
from faceparse.labels import Scheme


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
    coded = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(labels))
    picture.putpalette(scheme.palette.tobytes())
    # Run lengths alone: on label maps five times as fast as zlib's default, and smaller.
    picture.save(coded, "PNG", compress_type=zlib.Z_RLE)
    if isinstance(target, str | Path):
        with atomic(Path(target), overwrite=True) as temporary:
            temporary.write_bytes(coded.getvalue())
    else:
        target.write(coded.getvalue())
