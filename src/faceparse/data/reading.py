"""Reading the files of data sets: every fault is one `DataError` that names the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from faceparse.errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Endings taken for pictures."""
LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Endings taken for label maps: formats that keep every value."""

# What Pillow raises on broken files, whatever is broken.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def read_image(path: Path) -> NDArray[np.uint8]:
    """A picture as RGB uint8, H × W × 3, upright as its EXIF says.

    >>> read_image(Path("images/0.jpg")).shape  # doctest: +SKIP
    (512, 512, 3)

    Raises:
        DataError: missing, unreadable or cut short.
    """
    try:
        with Image.open(path) as file:
            turned = ImageOps.exif_transpose(file) if file.getexif().get(0x0112, 1) != 1 else file
            return np.asarray(turned.convert("RGB"))
    except _BROKEN as error:
        raise DataError(f"cannot read picture {path}: {_reason(error)}") from error


def read_labels(path: Path) -> NDArray[np.uint8]:
    """A label map, uint8, H × W: pixel value = label.

    Args:
        path: An 8-bit gray, palette or 1-bit picture; a palette's indices are the labels.

    Raises:
        DataError: missing, unreadable, cut short, or of another kind.
    """
    try:
        with Image.open(path) as file:
            if file.mode not in ("L", "P", "1"):
                raise DataError(
                    f"{path} has mode {file.mode}; a label map is 8-bit gray or palette, pixel value = label"
                )
            return np.asarray(file).astype(np.uint8, copy=False)
    except _BROKEN as error:
        raise DataError(f"cannot read label map {path}: {_reason(error)}") from error


def read_mask(path: Path) -> tuple[NDArray[np.bool_], list[str]]:
    """One part's mask: where the picture, read as gray, is 128 or more; and what is odd about it.

    CelebAMask-HQ's masks are 0 and 255, in gray or in RGB; the same file read through a palette shows
    225 instead, and a mask of 0 and 1 shows nothing, which is why the values are looked at.

    Raises:
        DataError: missing, unreadable or cut short.
    """
    try:
        with Image.open(path) as file:
            mode = file.mode
            gray = np.asarray(file.convert("L"))
    except _BROKEN as error:
        raise DataError(f"cannot read mask {path}: {_reason(error)}") from error
    odd = [] if mode in ("L", "1", "P", "RGB") else [f"{mode} mask"]
    mask = gray >= 128
    top = int(gray.max()) if gray.size else 0
    if top in range(1, 128):
        odd.append("faint mask")  # 0 and 1, or 0 and a label: a mask all the same
        mask = gray > 0
    elif ((gray != 0) & (gray != 255)).any():
        odd.append("gray mask")
    if top == 0:
        odd.append("empty mask")
    return mask, odd


def read_points(path: Path, count: int, *, counted: bool = False) -> NDArray[np.float64]:
    """Landmarks from a text file, one `x y` a line: float64, `count` × 2.

    Args:
        path: The text file.
        count: How many points it must hold.
        counted: Whether the number of points stands first.

    Raises:
        DataError: missing, not numbers, or another number of them.
    """
    words = read_text(path).split()
    if counted and words[:1] != [str(count)]:
        raise DataError(f"{path} does not begin with {count}, the number of its landmarks")
    return points(words[counted:], count, str(path))


def points(words: list[str], count: int, where: str) -> NDArray[np.float64]:
    """`count` points from the words `x y x y …`; a `DataError` that begins with `where` otherwise."""
    if len(words) != 2 * count:
        raise DataError(f"{where} has {len(words)} numbers; {count} landmarks are {2 * count}")
    try:
        made = np.array([float(w) for w in words]).reshape(count, 2)
    except ValueError as error:
        raise DataError(f"{where} holds something that is no number: {error}") from None
    if not np.isfinite(made).all():
        raise DataError(f"{where} has a landmark that is not finite")
    return made


def read_text(path: Path) -> str:
    """A text file in UTF-8; a `DataError` that names it where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise DataError(f"cannot read {path}: it is not a text in UTF-8") from None


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
