"""Reading pictures: whatever a user hands in becomes RGB uint8, upright.

>>> import numpy as np
>>> read_picture(np.zeros((48, 64, 3), np.uint8)).shape
(48, 64, 3)
"""

from __future__ import annotations

import io
import os
import re
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
"""A path, an encoded file's bytes, or a binary stream of them."""

PictureSource: TypeAlias = "PictureFile | Image.Image | NDArray[np.uint8] | Tensor"
"""A path, an encoded file's bytes, a binary stream of them, a Pillow image, RGB uint8 H × W × 3, or an RGB tensor."""

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

    >>> read_picture("photo.heic").shape  # doctest: +SKIP
    (3024, 4032, 3)

    JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF and, with the extra `heic`, HEIC; of several pictures in a file the first.
    Gray of 16 bits is scaled, not clipped. CMYK goes through the colour profile that comes with it; RGB
    values are taken as they are. Pillow's own limit is neither asked nor changed. Thread-safe.

    Args:
        source: Path of a regular file, bytes of an encoded file, binary stream (read from its start where it can
            seek, and left open), Pillow image, RGB uint8 array (returned as it is), or RGB tensor (see `from_tensor`).
        max_pixels: Width times height of the largest picture to decode; arrays are not asked.

    Raises:
        ImageError: no such file, not a picture, damaged or cut short, smaller than 16 px on a side, larger
            than `max_pixels`, or an array of another shape or type.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        with _reading("Pillow image"):
            _check_size(*allocated(source), max_pixels)
            source.load()  # upon which Pillow itself turns a TIFF
            return to_rgb(source, source.getexif().get(0x0112))
    if hasattr(source, "__array__"):
        return _check_array(from_tensor(source))
    with _header(source, max_pixels) as header:
        raster = header.load()
        return to_rgb(raster, header.orientation())


def read_values(source: PictureFile, *, max_pixels: int = LARGEST) -> Image.Image:
    """A picture with its values as they are stored, for label maps: no colour converted, nothing turned.

    >>> np.unique(read_values("labels.png"))  # doctest: +SKIP
    array([ 0,  1, 17], dtype=uint8)

    Args:
        source: As in `read_picture`.
        max_pixels: Likewise.

    Returns:
        A Pillow image without metadata; in mode P its values are the palette's indices.

    Raises:
        ImageError: as `read_picture`, but for the smallest size.
    """
    with _header(source, max_pixels, smallest=1) as header:
        raster = header.load()
        image = raster if isinstance(raster, Image.Image) else Image.fromarray(raster)
        image.load()
        image.info.clear()
        return image


def read_encoded(stream: IO[bytes], max_pixels: int = LARGEST) -> bytes:
    """The bytes of a stream, as many as a picture of so many pixels may have; of what is no picture the first.

    >>> read_encoded(io.BytesIO(b"no picture" * 1000))[:10]
    b'no picture'
    """
    head = _read(stream, HEAD)
    # 16 bits of four channels, and what else there may be.
    return head + _read(stream, (1 << 26) + 8 * max_pixels) if format_of(head) else head


@contextmanager
def _header(source: PictureFile, max_pixels: int, smallest: int = SMALLEST) -> Iterator[Header]:
    """A picture whose header has been read and whose size is within the limits."""
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
    """A filter of warnings that fits all of them in a thread that reads, and none elsewhere.

    `warnings.catch_warnings` would act on all threads.
    """

    reading = False

    def match(self, message: str) -> bool:
        return self.reading


_SILENCE = _Silence()
_FILTER: Any = ("ignore", _SILENCE, Warning, None, 0)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Errors name the picture, in one line; Pillow's warnings of odd metadata are not shown."""
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
    except Exception as error:  # decoders raise nearly everything on damaged files
        raise ImageError(f"cannot read {name}: {_reason(error)}") from None
    finally:
        _SILENCE.reading = False


def not_fetched(name: str) -> str:
    """What there is to say of a missing file that is an address; else nothing."""
    return ": addresses are not fetched, download it first" if re.match(r"\w+://", name) else ""


def _reason(error: Exception) -> str:
    """One line on what is wrong."""
    if isinstance(error, OSError) and error.strerror:  # the disk's fault
        return error.strerror
    line = " ".join(str(error).split())[:200]
    if isinstance(error, ImageError):
        return line
    named = isinstance(error, OSError | ValueError | SyntaxError) and line
    return f"damaged or unusual: {line if named else f'{type(error).__name__} {line}'}"


def _file(source: PictureFile) -> AbstractContextManager[IO[bytes]]:
    """A binary file of it; only what is opened here is closed."""
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    return open_regular(source)


def _read(file: IO[bytes], size: int) -> bytes:
    """So many bytes, or all there are; pipes give them in parts, and some objects more than is asked for."""
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
            f"its header tells of {width}×{height} px; more than {max_pixels} pixels are taken for a "
            "decompression bomb, unless max_pixels (--max-pixels) allows them"
        )


def _mend(image: NDArray[np.generic]) -> str:
    """How an array becomes a picture."""
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
