"""Output files of `evaluate`: checked before the first picture is evaluated, written after the last.

>>> from pathlib import Path
>>> check_outputs({"--json": Path("figures.json"), "--worst": Path("worst.png")}, Path("faces"))
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import ConfigError
from faceparse.files import atomic, check_output, make_folder

PICTURES = ("--confusion", "--worst", "--sheet")
"""Options whose file is a PNG."""


def check_outputs(files: Mapping[str, Path | None], data: Path) -> None:
    """Refuse files that cannot be written; make their folders, but write no file.

    Args:
        files: Option → its file; None without the option.
        data: Folder of the data set.

    Raises:
        ConfigError: a picture whose name does not end in .png, a file of the data set, or one file for two options.
        OutputError: a folder, device or pipe in place of a file, or a file that cannot be written.
    """
    taken: set[Path] = set()
    for option, path in files.items():
        if path is None:
            continue
        if option in PICTURES and path.suffix.lower() != ".png":
            raise ConfigError(f"{option} writes a PNG: name it .png, not {path}")
        real = path.resolve()
        if real in taken or (path.exists() and real.is_relative_to(data.resolve())):
            raise ConfigError(
                f"{option} {path} would replace a file of the data set or of another option: name another file"
            )
        taken.add(real)
        check_output(path, f"{option} ")
        make_folder(path.parent)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write or replace a PNG, completely or not at all.

    Raises:
        OutputError: writing fails.
    """
    with atomic(path, overwrite=True) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")
