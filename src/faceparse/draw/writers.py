"""The output files by name, as `faceparse parse --save` takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.draw.overlay import overlay
from faceparse.draw.panel import panel
from faceparse.errors import ConfigError
from faceparse.files import atomic
from faceparse.results import Parsing, Writer

JPEG_QUALITY = 90


def _jpeg(picture: Callable[[Parsing], NDArray[np.uint8]]) -> Callable[[Parsing, Path], None]:
    def write(parsing: Parsing, path: Path) -> None:
        with atomic(path, overwrite=True) as temporary:
            Image.fromarray(picture(parsing)).save(temporary, "JPEG", quality=JPEG_QUALITY)

    return write


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "mask": Writer("_mask.png", lambda parsing, path: parsing.save(path)),
        "overlay": Writer("_overlay.jpg", _jpeg(overlay)),
        "panel": Writer("_panel.jpg", _jpeg(panel)),
    }
)
"""Name → writer."""


def writers(names: Iterable[str]) -> dict[str, Writer]:
    """The writers of those names.

    Raises:
        ConfigError: no name, or one that is unknown.
    """
    wanted = [n.strip() for n in names if n.strip()]
    unknown = [n for n in wanted if n not in WRITERS]
    if unknown or not wanted:
        raise ConfigError(f"--save takes {', '.join(WRITERS)}; got {', '.join(unknown) or 'nothing'}")
    return {n: WRITERS[n] for n in wanted}
