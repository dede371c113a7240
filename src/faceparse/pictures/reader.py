"""Reading pictures: whatever a user hands in becomes RGB uint8, upright.

>>> import numpy as np
>>> read_picture(np.zeros((48, 64, 3), np.uint8)).shape
(48, 64, 3)
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import ImageError, display_name
from faceparse.pictures.formats import FORMATS, HEAD, Format, to_rgb

PictureSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | NDArray[np.uint8]"
)
"""A path, an encoded file's bytes, a binary stream of them, a Pillow image, or RGB uint8 H × W × 3."""

SUFFIXES = tuple(suffix for format_ in FORMATS for suffix in format_.suffixes)
"""File name endings taken for pictures in a folder. What a file is, its content tells, not its name."""

SMALLEST = 16
"""Shortest side of a picture that can hold a face, in pixels."""

LARGEST = 16384 * 12288
"""Pixels of the largest picture taken unless another limit is given: 201 million, what phones' sensors have."""

_PART = 1 << 20
"""Bytes read of a pipe at a time."""


def read_picture(source: PictureSource, *, max_pixels: int = LARGEST) -> NDArray[np.uint8]:
    """RGB uint8, H × W × 3, as it is seen: turned as EXIF says, transparency over white.

    JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF and, with the extra `heic`, HEIC; of several pictures in a file the first.
    Gray of 16 bits is scaled, not clipped. CMYK goes through the colour profile that comes with it; RGB
    values are taken as they are. Pillow's own limit is neither asked nor changed. Thread-safe.

    Args:
        source: Path, bytes of an encoded file, binary stream (read from its start where it can seek, and left
            open), Pillow image, or RGB uint8 array (returned as it is).
        max_pixels: Width times height of the largest picture to decode; arrays are not asked.

    Raises:
        ImageError: no such file, not a picture, damaged or cut short, smaller than 16 px on a side, larger
            than `max_pixels`, or an array of another shape or type.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        return _named("Pillow image", lambda: _from_pillow(source, max_pixels))
    if isinstance(source, bytes | bytearray | memoryview):
        return _named(f"{len(source)} bytes", lambda: _from_file(io.BytesIO(source), max_pixels))
    if isinstance(source, str | os.PathLike):
        return _named(str(source), lambda: _from_path(Path(source), max_pixels))
    if hasattr(source, "read"):
        return _named(str(getattr(source, "name", "stream")), lambda: _from_file(source, max_pixels))
    raise ImageError(
        "a picture is a path, bytes, a binary stream, a Pillow image or an RGB uint8 array; "
        f"got {type(source).__name__}"
    )


def _named(name: str, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """What `read` gives; its errors name the picture, in one line."""
    name = display_name(name)
    try:
        return read()
    except FileNotFoundError:
        raise ImageError(f"no such file: {name}{not_fetched(name)}") from None
    except MemoryError:
        raise ImageError(f"cannot read {name}: not enough memory") from None
    except (ImageError, OSError, ValueError) as error:
        raise ImageError(f"cannot read {name}: {_reason(error)}") from None


def not_fetched(name: str) -> str:
    """What there is to say of a missing file that is an address; else nothing."""
    return ": addresses are not fetched, download it first" if re.match(r"\w+://", name) else ""


def _reason(error: Exception) -> str:
    """One line on what is wrong."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split())[:200]
    if isinstance(error, OSError | ValueError | SyntaxError | EOFError) and line:
        return line
    return f"{type(error).__name__} {line}".strip()


def _from_path(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    with path.open("rb") as file:
        return _from_file(file, max_pixels)


def _from_file(file: IO[bytes], max_pixels: int) -> NDArray[np.uint8]:
    seekable = hasattr(file, "seekable") and file.seekable()
    if seekable:
        file.seek(0)
    head = _read(file, HEAD)
    if not head:
        raise ImageError("it is empty (0 bytes)")
    found = next((f for f in FORMATS if f.recognises(head)), None)
    if found is None:
        kinds = ", ".join(f.name for f in FORMATS)
        raise ImageError(f"it is not a picture ({kinds}), whatever its name says")
    if not seekable:
        most = (1 << 26) + 8 * max_pixels  # 16 bits of four channels, and what else there may be
        file = io.BytesIO(head + _read(file, most))
    return _decode(file, found, max_pixels)


def _read(file: IO[bytes], size: int) -> bytes:
    """So many bytes, or all there are; pipes give them in parts."""
    parts = []
    while size and (part := file.read(min(size, _PART))):
        if not isinstance(part, bytes):
            raise ImageError("it was opened as text: open it in binary mode")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _decode(file: IO[bytes], kind: Format, max_pixels: int) -> NDArray[np.uint8]:
    try:
        file.seek(0)
        opened = kind.open(file)
        _check_size(*opened.size, max_pixels)
        return to_rgb(opened.load(), opened.orientation)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise nearly everything on damaged files
        if isinstance(error, OSError) and error.errno:  # the disk's fault
            raise
        raise ImageError(f"damaged or unusual {kind.name}: {_reason(error)}") from None


def _from_pillow(image: Image.Image, max_pixels: int) -> NDArray[np.uint8]:
    _check_size(image.height, image.width, max_pixels)
    try:
        image.load()  # upon which Pillow itself turns a TIFF
        orientation = image.getexif().get(0x0112, 1)
        return to_rgb(image, orientation if orientation in range(1, 9) else 1)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # it may be read from its file only now
        raise ImageError(_reason(error)) from None


def _check_size(height: int, width: int, max_pixels: int) -> None:
    if min(height, width) < SMALLEST:
        raise ImageError(f"it is {width}×{height} px; a picture needs {SMALLEST} px or more on each side")
    if height * width > max_pixels:
        raise ImageError(
            f"its header tells of {width}×{height} px; more than {max_pixels} pixels are taken for a "
            "decompression bomb, unless max_pixels (--max-pixels) allows them"
        )


def _mend(image: NDArray[np.generic]) -> str:
    """How an array becomes a picture."""
    shape = image.shape
    if len(shape) == 4:
        return ": one picture at a time, Parser.map takes several"
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return ": np.dstack([gray] * 3) makes three equal channels"
    if len(shape) == 3 and shape[0] == 3 != shape[2]:
        return ": image.transpose(1, 2, 0) puts the channels last"
    if len(shape) == 3 and shape[2] == 4:
        return ": image[..., :3] leaves out alpha"
    if len(shape) == 3 and shape[2] == 3:
        return ": scale it to 0 to 255, then image.astype(np.uint8)"
    return ""


def _check_array(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"expected an RGB picture, H × W × 3 uint8; got array of shape {image.shape} and type {image.dtype}"
            + _mend(image)
        )
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST:
        raise ImageError(f"array is {width}×{height} px; a picture needs {SMALLEST} px or more on each side")
    return image
