"""Read pictures: convert every accepted input to upright RGB uint8.

>>> import numpy as np
>>> read_picture(np.zeros((48, 64, 3), np.uint8)).shape
(48, 64, 3)
"""

from __future__ import annotations

import io
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import ImageError, display_name
from faceparse.files import open_regular
from faceparse.pictures.formats import FORMATS, HEAD, Header, allocated, format_of
from faceparse.pictures.pixels import to_rgb
from faceparse.pictures.tensors import Tensor, from_tensor

PictureFile: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]"
"""A path, the bytes of an encoded file, or a binary stream of an encoded file."""

PictureSource: TypeAlias = "PictureFile | Image.Image | NDArray[np.uint8] | Tensor"
"""A path, an encoded file's bytes or stream, a Pillow image, an RGB uint8 H × W × 3 array, or an RGB tensor."""

SUFFIXES = tuple(suffix for format_ in FORMATS for suffix in format_.suffixes)
"""File name suffixes that mark pictures in a folder. The format is read from the content, not the suffix."""

SMALLEST = 16
"""Shortest side of a picture that can hold a face, in pixels."""

LARGEST = 16384 * 12288
"""Default limit of a picture's size in pixels: 201 million, the size of the largest phone sensors."""

_PART = 1 << 20
"""Bytes read from a stream at a time."""


def read_picture(source: PictureSource, *, max_pixels: int = LARGEST) -> NDArray[np.uint8]:
    """Read a picture as RGB uint8, H × W × 3, with EXIF orientation applied and transparency over white.

    >>> read_picture("photo.heic").shape  # doctest: +SKIP
    (3024, 4032, 3)

    Formats are JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF and, with the extra `heic`, HEIC. Of a file with several
    pictures, the first is read. 16-bit gray is scaled, not clipped. CMYK is converted with its embedded
    colour profile; RGB values stay as they are. Pillow's own size limit is neither applied nor changed.
    Thread-safe.

    Args:
        source: Path of a regular file, bytes of an encoded file, binary stream (read from its start if it can
            seek, and left open), Pillow image, RGB uint8 array (returned unchanged), or RGB tensor (see
            `from_tensor`).
        max_pixels: Largest width × height to decode; arrays are not limited.

    Raises:
        ImageError: a file that is missing, not a picture, damaged or truncated; a picture with a side below
            16 px or with more than `max_pixels`; an array of another shape or type.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        with _reading("Pillow image"):
            _check_size(*allocated(source), max_pixels)
            source.load()  # this applies a TIFF's orientation
            return to_rgb(source, source.getexif().get(0x0112))
    if hasattr(source, "__array__"):
        return _check_array(from_tensor(source))
    with _header(source, max_pixels) as header:
        raster = header.load()
        return to_rgb(raster, header.orientation())


def read_values(source: PictureFile, *, max_pixels: int = LARGEST) -> Image.Image:
    """Read a picture's values as stored, for label maps: without colour conversion or rotation.

    >>> np.unique(read_values("labels.png"))  # doctest: +SKIP
    array([ 0,  1, 17], dtype=uint8)

    Args:
        source: As in `read_picture`, but a file only.
        max_pixels: As in `read_picture`.

    Returns:
        A Pillow image without metadata; in mode P its values are the palette's indices.

    Raises:
        ImageError: as in `read_picture`, but any size from 1 px is accepted.
    """
    with _header(source, max_pixels, smallest=1) as header:
        raster = header.load()
        image = raster if isinstance(raster, Image.Image) else Image.fromarray(raster)
        image.load()
        image.info.clear()
        return image


def read_size(source: PictureFile) -> tuple[int, int]:
    """Read a picture's height and width from its header: those of the pixels that its decoder allocates.

    >>> read_size("photo.jpg")  # doctest: +SKIP
    (3024, 4032)

    Raises:
        ImageError: a file that is missing, not a picture, or damaged.
    """
    with _header(source, sys.maxsize, smallest=1) as header:
        return header.size


def read_encoded(stream: IO[bytes], max_pixels: int = LARGEST) -> bytes:
    """Return a stream's bytes, at most as many as a picture of `max_pixels` needs; if not a picture, the first 64.

    >>> read_encoded(io.BytesIO(b"no picture" * 1000))[:10]
    b'no picture'
    """
    head = _read(stream, HEAD)
    # Four channels of 16 bits, and room for metadata.
    return head + _read(stream, (1 << 26) + 8 * max_pixels) if format_of(head) else head


@contextmanager
def _header(source: PictureFile, max_pixels: int, smallest: int = SMALLEST) -> Iterator[Header]:
    """Yield the header of a picture after checking its size."""
    if isinstance(source, bytes | bytearray | memoryview):
        name = f"{len(source)} bytes"
    elif isinstance(source, str | os.PathLike):
        name = str(source)
    elif hasattr(source, "read"):
        name = str(getattr(source, "name", "stream"))
    else:
        raise ImageError(
            "a picture is a path, bytes, a binary stream, a Pillow image, an RGB uint8 array or a tensor; "
            f"got {type(source).__name__}"
        )
    with _reading(name), _file(source) as file:
        if not (hasattr(file, "seekable") and file.seekable()):
            file = io.BytesIO(read_encoded(file, max_pixels))
        file.seek(0)
        head = _read(file, HEAD)
        if not head:
            raise ImageError("it is empty (0 bytes)")
        format_ = format_of(head)
        if format_ is None:
            kinds = ", ".join(f.name for f in FORMATS)
            raise ImageError(f"it is not a picture ({kinds}), whatever its name says")
        file.seek(0)
        header = format_.open(file)
        _check_size(*header.size, max_pixels, smallest)
        yield header


class _Silence(threading.local):
    """A warning filter that ignores all warnings in a thread while it reads a picture, and none elsewhere.

    `warnings.catch_warnings` would affect all threads.
    """

    reading = False

    def match(self, message: str) -> bool:
        return self.reading


_SILENCE = _Silence()
_FILTER: Any = ("ignore", _SILENCE, Warning, None, 0)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn any exception into one line that names the picture; hide Pillow's warnings of odd metadata."""
    name = display_name(name)
    filters: Any = warnings.filters
    if filters[:1] != [_FILTER]:
        filters[:] = [_FILTER, *(f for f in filters if f is not _FILTER)]
    _SILENCE.reading = True
    try:
        yield
    except FileNotFoundError:
        raise ImageError(f"no such file: {name}{not_fetched(name)}") from None
    except MemoryError:
        raise ImageError(f"cannot read {name}: not enough memory") from None
    except Exception as error:  # decoders raise nearly any exception on damaged files
        raise ImageError(f"cannot read {name}: {_reason(error)}") from None
    finally:
        _SILENCE.reading = False


def not_fetched(name: str) -> str:
    """Return a hint for an error message if the missing file's name is a URL; else an empty text."""
    return ": addresses are not fetched, download it first" if re.match(r"\w+://", name) else ""


def _reason(error: Exception) -> str:
    """Return one line that says what is wrong."""
    if isinstance(error, OSError) and error.strerror:  # an error of the file system
        return error.strerror
    line = " ".join(str(error).split())[:200]
    if isinstance(error, ImageError):
        return line
    named = isinstance(error, OSError | ValueError | SyntaxError) and line
    return f"damaged or unusual: {line if named else f'{type(error).__name__} {line}'}"


def _file(source: PictureFile) -> AbstractContextManager[IO[bytes]]:
    """Return a source as a binary file; only files opened here close on exit."""
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    return open_regular(source)


def _read(file: IO[bytes], size: int) -> bytes:
    """Read `size` bytes, or fewer at the end. Pipes return parts; some objects return more than requested."""
    parts = []
    while size > 0 and (part := file.read(min(size, _PART))):
        if not isinstance(part, bytes):
            raise ImageError("it was opened as text: open it in binary mode")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _check_size(height: int, width: int, max_pixels: int, smallest: int = SMALLEST) -> None:
    if min(height, width) < smallest:
        raise ImageError(f"it is {width}×{height} px; a picture needs {smallest} px or more on each side")
    if height * width > max_pixels:
        raise ImageError(
            f"its header states {width}×{height} px, more than {max_pixels} pixels, the limit against decompression bombs: "
            "raise max_pixels (--max-pixels) to read it"
        )


def _mend(image: NDArray[np.generic]) -> str:
    """Return a hint on how to convert an array to a picture."""
    shape = image.shape
    if len(shape) == 4:
        return ": one picture at a time; parse takes list(images)"
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
    _check_size(height, width, image.size)
    return image
