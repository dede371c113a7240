"""The picture formats, and how to read each format's header.

>>> format_of(b"GIF89a").name
'GIF'

This module calls Pillow's plugins by name, not through `Image.open`, because `Image.open` has its own size
limit, warns of large pictures, and tries rare formats (one starts Ghostscript). OpenCV reads still WebP;
pillow-heif reads HEIC.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TypeVar, cast

import cv2
import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile, PngStream
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from faceparse.errors import ImageError
from faceparse.pictures.pixels import Raster

T = TypeVar("T", bound=Image.Image)

HEAD = 64
"""Bytes at the start of a file that suffice to recognise its format."""

_ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT = 274, 322, 323
"""Tag numbers of EXIF and TIFF."""
_EXIF = 1 << 16
"""Bytes of EXIF data to read: Pillow before 12.3 copies all the data for each tag that refers to it."""
_SCAN, _MOST_SCANS = b"\xff\xda", 500
"""JPEG's marker of a scan, and the largest number of scans accepted; encoders write up to a dozen."""
_RUN_LENGTHS, _MOST_CODED = (1, 2), 1 << 24


@dataclass(frozen=True)
class Header:
    """The header of a picture.

    Attributes:
        size: Height and width in pixels of the buffer that the decoder allocates.
        load: Function that decodes the pixels as the file stores them.
        orientation: Function, to be called after `load`, that returns the EXIF orientation of the stored
            pixels, 1 to 8; any other value means that none is stated.
    """

    size: tuple[int, int]
    load: Callable[[], Raster]
    orientation: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Format:
    """A file format for pictures.

    Attributes:
        name: Common name of the format.
        suffixes: Suffixes of its files, in lower case.
        begin: Regular expression that matches the first bytes of its files.
        open: Function that reads a file's header; the file must stay open until the pixels are loaded.
            Raises any exception on a damaged file.
    """

    name: str
    suffixes: tuple[str, ...]
    begin: bytes
    open: Callable[[IO[bytes]], Header]


class _BoundedFile:
    """A file of which a decoder may read a limited number of 4 kB blocks: this bounds the header's size and time."""

    def __init__(self, file: IO[bytes], parts: float) -> None:
        self._read, self.seek, self.tell, self.parts = file.read, file.seek, file.tell, parts

    def read(self, size: int = -1) -> bytes:
        data = self._read(size)
        self.parts -= 1 + len(data) // 4096
        if self.parts < 0:
            raise ImageError("its header has too many parts")
        return data


def _open_plugin(plugin: Callable[[IO[bytes]], T], file: IO[bytes], parts: int = 1 << 16) -> T:
    """Open a file with a Pillow plugin; refuse a header of more than `parts` blocks."""
    header = _BoundedFile(file, parts)
    image = plugin(cast(IO[bytes], header))
    header.parts = math.inf  # the pixels are not bounded
    return image


def _header(image: Image.Image) -> Header:
    def load() -> Image.Image:
        image.load()
        return image

    return Header(image.size[::-1], load, lambda: _orientation(image))


def _orientation(image: Image.Image) -> object:
    """Return EXIF's orientation, or XMP's if EXIF has none."""
    image.info["exif"] = image.info.get("exif", b"")[:_EXIF]
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # damaged data raises nearly any exception
        return None


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Skip the resolution, which is not needed: damaged EXIF data would fail the picture or fill the memory."""


def _open_jpeg(file: IO[bytes]) -> Header:
    # The bound is low because Pillow copies all EXIF data again for each EXIF segment.
    image = _open_plugin(_Jpeg, file, 1 << 13)
    file.seek(-8 - 2 * image.layers, os.SEEK_CUR)  # where the first scan begins if it holds all channels
    if image.info.get("progressive") or file.read(2) != _SCAN:
        file.seek(0)
        data = file.read()
        # An empty scan takes as long to decode as a full one. Data after the picture may look like scans.
        if data.count(_SCAN) > _MOST_SCANS + len(data) // (1 << 14):
            raise ImageError("it has too many scans")
    return _header(image)


class _Png(PngImageFile):
    _prev_im = None

    def __setattr__(self, name: str, value: object) -> None:
        """Skip colour profiles, which are not applied: a profile of a few bytes may unpack to a megabyte."""
        if isinstance(value, PngStream):
            vars(value)["chunk_iCCP"] = lambda _, length: cast(IO[bytes], value.fp).read(length)
        super().__setattr__(name, value)

    def _seek(self, frame: int, rewind: bool = False) -> None:
        """Stay at the default image: an animation's first frame may allocate memory while the header is read."""


def _open_webp(file: IO[bytes]) -> Header:
    """Open WebP: OpenCV decodes still pictures to the same pixels as Pillow, which would hold several copies."""
    data = file.read()
    image = WebPImageFile(io.BytesIO(data))
    if data[12:16] == b"VP8X" and data[20] & 2:  # animated
        return _header(image)

    def load() -> Raster:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise ValueError("broken data stream")
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        return np.asarray(cv2.cvtColor(pixels, code, dst=pixels), np.uint8)

    return Header(image.size[::-1], load, lambda: _orientation(image))


class _Tiff(TiffImageFile):
    def load_prepare(self) -> None:
        """Allocate without checking Pillow's size limit."""
        self.im = Image.new(self.mode, self._size, None).im
        super().load_prepare()

    def load_end(self) -> None:
        """Leave the pixels as stored: Pillow would rotate them, which takes twice the memory."""


def allocated(image: Image.Image) -> tuple[int, int]:
    """Return height and width of the buffer that the decoder allocates: the picture's, or a larger tile's."""
    tags = getattr(image, "tag_v2", {})
    return max(image.height, tags.get(_TILE_HEIGHT, 0)), max(image.width, tags.get(_TILE_WIDTH, 0))


def _open_tiff(file: IO[bytes]) -> Header:
    image = _open_plugin(_Tiff, file)
    tags = image.tag_v2
    image._size = width, height = tags[256], tags[257]  # as stored, not as displayed
    if len(image.tile) > width * height:
        raise ImageError("it has more strips or tiles than pixels")
    return Header(allocated(image), lambda: image, lambda: tags.get(_ORIENTATION))


def _open_bmp(file: IO[bytes]) -> Header:
    image = BmpImageFile(file)
    width, height = image.size
    if image.info.get("compression") in _RUN_LENGTHS and width * height > _MOST_CODED:
        # Pillow's decoder is slow Python code, and a few bytes may encode millions of pixels.
        raise ImageError(
            f"run-length coded BMP is read up to {_MOST_CODED} pixels; this has {width}×{height}"
        )
    return _header(image)


class _Gif(GifImageFile):
    disposal_method = property(lambda self: 0, lambda self, method: None)
    """How the first frame is cleared: never (0), else Pillow would allocate it while reading the header."""


def _open_avif(file: IO[bytes]) -> Header:
    try:
        from PIL.AvifImagePlugin import SUPPORTED, AvifImageFile
    except ImportError:  # Pillow before 11.3
        SUPPORTED = False  # noqa: N806
    if not SUPPORTED:
        raise ImageError("it is AVIF, which this Pillow cannot decode: pip install -U 'pillow>=11.3'")
    # Damaged EXIF data would fail the picture or fill the memory: renaming its entry in the list of contents hides
    # it. Pillow reports the container's own rotation as EXIF.
    data = re.sub(rb"(infe.{8,10})Exif", rb"\1none", file.read(), flags=re.DOTALL)
    return _header(AvifImageFile(io.BytesIO(data)))


def _open_heic(file: IO[bytes]) -> Header:
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            "it is HEIC, which needs pillow-heif, which is not installed: pip install 'faceparse[heic]'"
        ) from None
    # libheif rotates the picture as the container states; the camera's EXIF orientation is ignored.
    image = pillow_heif.open_heif(file, convert_hdr_to_8bit=True)

    def load() -> Raster:
        pixels = np.asarray(image)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels

    return Header(image.size[::-1], load)


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), rb"\xff\xd8\xff", _open_jpeg),
    Format("PNG", (".png", ".apng"), rb"\x89PNG\r\n\x1a\n", lambda file: _header(_open_plugin(_Png, file))),
    Format("WebP", (".webp",), rb"RIFF....WEBP", _open_webp),
    Format("TIFF", (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]", _open_tiff),
    Format("BMP", (".bmp",), rb"BM", _open_bmp),
    Format("GIF", (".gif",), rb"GIF8[79]a", lambda file: _header(_open_plugin(_Gif, file))),
    Format("AVIF", (".avif",), rb"....ftyp(....)*?avi[fs]", _open_avif),
    Format("HEIC", (".heic", ".heif", ".hif"), rb"....ftyp(....)*?(hei[cxms]|hev[cxms]|mif[12]|msf1)", _open_heic),
)  # fmt: skip


def format_of(head: bytes) -> Format | None:
    """Return the first format whose files begin with these bytes, or None."""
    return next((f for f in FORMATS if re.match(f.begin, head, re.DOTALL)), None)
