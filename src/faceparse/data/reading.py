"""Readers of data set files; every fault is a `DataError` that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import DataError, ImageError
from faceparse.files import open_regular
from faceparse.pictures import read_picture, read_values

_T = TypeVar("_T")

LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Suffixes of label maps, whose formats keep pixel values exactly."""


def read_image(path: Path | IO[bytes]) -> NDArray[np.uint8]:
    """Read a picture, a file or a stream with a name, with `faceparse.pictures.read_picture`: RGB uint8, H × W × 3, upright.

    >>> read_image(Path("images/0.jpg")).shape  # doctest: +SKIP
    (512, 512, 3)

    Raises:
        DataError: a file that is missing, unreadable, cut short, smaller than 16 px on a side, or too large.
    """
    return _read(read_picture, path)


def read_labels(path: Path | IO[bytes]) -> NDArray[np.uint8]:
    """Read a label map, uint8, H × W.

    Args:
        path: An 8-bit gray, palette or 1-bit picture, a file or a stream with a name; gray values or palette indices
            are the labels.

    Raises:
        DataError: a file that is missing, unreadable, cut short, or of another kind.
    """
    image = _read(read_values, path)
    if image.mode not in ("L", "P", "1"):
        raise DataError(f"{path} has mode {image.mode}; a label map is 8-bit gray or palette, value = label")
    return np.asarray(image).astype(np.uint8, copy=False)


def read_mask(path: Path) -> tuple[NDArray[np.bool_], list[str]]:
    """Read the mask of one part; return it with notes on what is unusual about it.

    The mask is True where the gray value is 128 or more. CelebAMask-HQ's masks are 0 and 255, in gray or in
    RGB. In palette pictures 255 can become 225, and masks of 0 and 1 would be empty; so if all values are
    below 128, the mask is True above 0.

    Raises:
        DataError: a file that is missing, unreadable, cut short, or cannot be converted to gray.
    """
    image = _read(read_values, path)
    try:
        gray = np.asarray(image.convert("L"))
    except ValueError as error:
        raise DataError(f"cannot read {path} as a mask: {error}") from None
    notes = [] if image.mode in ("L", "1", "P", "RGB") else [f"{image.mode} mask"]
    mask = gray >= 128
    top = int(gray.max())
    if top in range(1, 128):
        notes.append("faint mask")  # 0 and 1, or 0 and a label
        mask = gray > 0
    elif ((gray != 0) & (gray != 255)).any():
        notes.append("gray mask")
    if top == 0:
        notes.append("empty mask")
    return mask, notes


def _read(read: Callable[[Path | IO[bytes]], _T], path: Path | IO[bytes]) -> _T:
    try:
        return read(path)
    except ImageError as error:
        raise DataError(str(error)) from None


def read_points(path: Path, count: int) -> NDArray[np.float64]:
    """Read landmarks, float64 `count` × 2, from a text file with `x y` lines; the first line may be `count`.

    Raises:
        DataError: a file that is missing, has words that are not numbers, or another number of landmarks.
    """
    words = read_text(path).split()
    return points(words[words[:1] == [str(count)] and len(words) % 2 :], count, str(path))


def points(words: list[str], count: int, where: str) -> NDArray[np.float64]:
    """Convert the words `x y x y …` to `count` points, or raise a `DataError` that starts with `where`."""
    if len(words) != 2 * count:
        raise DataError(f"{where} has {len(words)} numbers; expected {2 * count}, for {count} landmarks")
    try:
        array = np.array([float(w) for w in words]).reshape(count, 2)
    except ValueError as error:
        raise DataError(f"{where} holds a word that is not a number: {error}") from None
    if not (np.abs(array) <= 1e6).all():  # NaN fails too
        raise DataError(f"{where} has a landmark that is not within 1,000,000 pixels of the picture's corner")
    return array


def read_text(path: Path) -> str:
    """Read a text file in UTF-8; raise a `DataError` that names the file if this fails."""
    try:
        with open_regular(path) as file:
            return file.read().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise DataError(f"cannot read {path}: it is not a text in UTF-8") from None
