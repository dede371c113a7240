"""The output files: checked before the first picture is evaluated, written after the last.

>>> from pathlib import Path
>>> check_outputs({"--json": Path("figures.json"), "--worst": Path("worst.png")})
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import ConfigError, OutputError
from faceparse.files import atomic, make_folder

PICTURES = ("--confusion", "--worst", "--sheet")
"""Options whose file is a PNG."""


def check_outputs(files: Mapping[str, Path | None]) -> None:
    """Refuse a file that cannot be written; makes the folders, writes nothing.

    Args:
        files: Option → the file it names, None where it was not given.

    Raises:
        ConfigError: a picture that is not named .png.
        OutputError: a folder in place of a file, or a file that cannot be written.
    """
    for option, path in files.items():
        if path is None:
            continue
        if option in PICTURES and path.suffix.lower() != ".png":
            raise ConfigError(f"{option} writes a PNG: name it .png, not {path}")
        if path.is_dir():
            raise OutputError(f"{option} {path} is a folder: name a file")
        make_folder(path.parent)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a PNG, whole or not at all, in place of what is there.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic(path, overwrite=True) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")
