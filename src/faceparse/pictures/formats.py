"""The formats of pictures, and how the header of each is read.

>>> format_of(b"GIF89a").name
'GIF'

Pillow's plugins are called by name, not through `Image.open`: that one has a limit of its own, warns of large
pictures, and tries formats that nobody means (one starts Ghostscript). Still WebP is OpenCV's and HEIC pillow-heif's.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, cast

import cv2
import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from faceparse.errors import ImageError
from faceparse.pictures.pixels import Raster

HEAD = 64
"""Bytes of a file that tell its format."""

_ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT = 274, 322, 323
"""Tags of EXIF and TIFF."""
_XMP = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")
_METADATA = 1 << 16
"""Bytes of a piece of metadata that are searched for an orientation: what EXIF takes in a JPEG."""
_SCAN, _MOST_SCANS = b"\xff\xda", 500
"""JPEG's marker of a scan, and how many are taken; encoders write up to a dozen."""
_RUN_LENGTHS, _MOST_CODED = (1, 2), 1 << 24


@dataclass(frozen=True)
class Header:
    """A picture whose header has been read.

    Attributes:
        size: Height and width in pixels of what the decoder allocates.
        load: Decodes the pixels, as they are stored.
        orientation: As EXIF has it, 1 to 8: how what is stored is to be turned; anything else tells nothing.
    """

    size: tuple[int, int]
    load: Callable[[], Raster]
    orientation: object = None


@dataclass(frozen=True)
class Format:
    """A way to store pictures.

    Attributes:
        name: As people call it.
        suffixes: Endings of file names, in lower case.
        begin: What files of this format begin with, a regular expression.
        open: Reads the header of a file, which must stay open until the pixels are loaded. Raises
            whatever comes of a damaged file.
    """

    name: str
    suffixes: tuple[str, ...]
    begin: bytes
    open: Callable[[IO[bytes]], Header]


class _BoundedFile:
    """A file of which a decoder may read so many parts; the size of a header is bounded, and with it the time."""

    def __init__(self, file: IO[bytes], parts: int) -> None:
        self._read, self.seek, self.tell, self.parts = file.read, file.seek, file.tell, parts

    def read(self, size: int = -1) -> bytes:
        self.parts -= 1
        if self.parts == 0:
            raise ImageError("its header has too many parts")
        return self._read(size)


def _plugin_image(plugin: Callable[[IO[bytes]], Image.Image], file: IO[bytes], parts: int) -> Image.Image:
    """What a plugin of Pillow makes of a file whose header has at most so many parts."""
    header = _BoundedFile(file, parts)
    image = plugin(cast(IO[bytes], header))
    header.parts = 0  # no bound for pixels
    return image


def _orientation(exif: bytes, xmp: bytes = b"") -> object:
    """EXIF's orientation, or XMP's where EXIF has none; None where neither tells."""
    tags = Image.Exif()
    try:
        tags.load(exif[:_METADATA])
        value = tags.get(_ORIENTATION)
    except Exception:  # nearly anything, of damaged data
        value = None
    match = _XMP.search(xmp[:_METADATA])
    return int(match[1]) if match and value is None else value


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Resolution is not needed, and damaged EXIF data would spoil the picture."""


def _open_jpeg(file: IO[bytes]) -> Header:
    # Few parts, for Pillow copies EXIF data anew with each segment of it.
    image = _plugin_image(_Jpeg, file, 1 << 12)
    assert isinstance(image, _Jpeg)
    file.seek(-8 - 2 * image.layers, os.SEEK_CUR)  # where the first scan begins if it has all colours
    if image.info.get("progressive") or file.read(2) != _SCAN:
        file.seek(0)
        data = file.read()
        # A scan of no bytes takes as long as one of all pixels; what lies behind the picture may look like scans.
        if data.count(_SCAN) > _MOST_SCANS + len(data) // (1 << 14):
            raise ImageError("it has too many scans")
    orientation = _orientation(image.info.get("exif", b""), image.info.get("xmp", b""))
    return Header(image.size[::-1], lambda: image, orientation)


def _open_png(file: IO[bytes]) -> Header:
    """Pillow is given what the pixels need: damaged or large metadata makes it refuse a picture that is whole."""
    needed = io.BytesIO()
    metadata: dict[bytes, bytes] = {}
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    needed.write(file.read(8))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        after = file.tell() + length + 4
        if kind == b"tRNS" or kind[:1].isupper():
            needed.write(head + file.read(min(after, end) - file.tell()))
        elif kind in (b"eXIf", b"iTXt", b"tEXt", b"zTXt"):
            data = file.read(min(length, _METADATA))
            metadata.setdefault(kind if kind == b"eXIf" else data.partition(b"\0")[0], data)
        file.seek(after)
    needed.seek(0)
    image = PngImageFile(needed)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and needed.getbuffer()[24] == 16:
        # Of 16-bit pixels Pillow keeps the upper 8 bits, of this colour all.
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    exif = metadata.get(b"eXIf") or _raw_profile(metadata.get(b"Raw profile type exif", b""))
    xmp = metadata.get(b"XML:com.adobe.xmp", b"")
    return Header(image.size[::-1], lambda: image, _orientation(exif, xmp))


def _raw_profile(text: bytes) -> bytes:
    """EXIF data as ImageMagick wrote them: hexadecimal digits after a line of their kind and one of their number."""
    try:
        packed = text.partition(b"\0\0")[2]
        return bytes.fromhex(zlib.decompressobj().decompress(packed, _METADATA).split(b"\n", 3)[3].decode())
    except (zlib.error, ValueError, IndexError):
        return b""


def _open_webp(file: IO[bytes]) -> Header:
    """By OpenCV, to the same pixels as Pillow's, which takes all for animations and holds them several times over."""
    data = file.read()
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        chunks.setdefault(kind, data[at + 8 : at + 8 + min(length, _METADATA)])
        at += 8 + length + length % 2
    kind, body = next(iter(chunks.items()))  # the decoder, too, goes by the first
    if kind == b"VP8X":
        width, height = (int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", body, 6))

    def load() -> Raster:
        if kind == b"VP8X" and body[0] & 2:
            return WebPImageFile(io.BytesIO(data))
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise ValueError("broken data stream")
        code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
        return np.asarray(cv2.cvtColor(image, code, dst=image), np.uint8)

    return Header((height, width), load, _orientation(chunks.get(b"EXIF", b""), chunks.get(b"XMP ", b"")))


class _Tiff(TiffImageFile):
    def load_prepare(self) -> None:
        """Allocate without asking for Pillow's limit."""
        self.im = Image.new(self.mode, self._size, None).im
        super().load_prepare()

    def load_end(self) -> None:
        """Leave the pixels as they are stored: Pillow would turn them, in twice the memory."""


def _open_tiff(file: IO[bytes]) -> Header:
    image = _plugin_image(_Tiff, file, 1 << 16)
    assert isinstance(image, _Tiff)
    tags = image.tag_v2
    image._size = width, height = tags[256], tags[257]  # not as it is to be turned
    if len(image.tile) > width * height:
        raise ImageError("it has more strips or tiles than pixels")
    size = max(height, tags.get(_TILE_HEIGHT, 0)), max(width, tags.get(_TILE_WIDTH, 0))
    return Header(size, lambda: image, tags.get(_ORIENTATION))


def _open_bmp(file: IO[bytes]) -> Header:
    image = BmpImageFile(file)
    width, height = image.size
    if image.info.get("compression") in _RUN_LENGTHS and width * height > _MOST_CODED:
        # Pillow's decoder is written in Python, and a few bytes may stand for all these pixels.
        raise ImageError(
            f"run-length coded BMP is taken up to {_MOST_CODED} pixels, this has {width}×{height}"
        )
    return Header((height, width), lambda: image)


class _Gif(GifImageFile):
    disposal_method = property(lambda self: 0, lambda self, method: None)
    """What becomes of the first picture after its time: nothing, lest Pillow allocate it while it reads the header."""


def _open_gif(file: IO[bytes]) -> Header:
    image = _plugin_image(_Gif, file, 1 << 16)
    return Header(image.size[::-1], lambda: image)


def _open_avif(file: IO[bytes]) -> Header:
    try:
        from PIL.AvifImagePlugin import SUPPORTED, AvifImageFile
    except ImportError:  # before 11.3
        SUPPORTED = False  # noqa: N806
    if not SUPPORTED:
        raise ImageError("it is AVIF, which this Pillow cannot decode: pip install -U 'pillow>=11.3'")
    # Without EXIF, which spoils the picture where it is damaged: its entry in the list of contents is renamed.
    data = re.sub(rb"(infe.{8,10})Exif", rb"\1none", file.read(), flags=re.DOTALL)
    image = AvifImageFile(io.BytesIO(data))
    # Pillow tells the container's own turns as EXIF.
    return Header(image.size[::-1], lambda: image, _orientation(image.info.get("exif", b"")))


def _open_heic(file: IO[bytes]) -> Header:
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            "it is HEIC, which needs pillow-heif, which is not installed: pip install 'faceparse[heic]'"
        ) from None
    # Turned by libheif as the container tells; the camera's EXIF does not count besides that.
    image = pillow_heif.open_heif(file, convert_hdr_to_8bit=True)

    def load() -> Raster:
        pixels = np.asarray(image)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels

    return Header(image.size[::-1], load)


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), rb"\xff\xd8\xff", _open_jpeg),
    Format("PNG", (".png", ".apng"), rb"\x89PNG\r\n\x1a\n", _open_png),
    Format("WebP", (".webp",), rb"RIFF....WEBP", _open_webp),
    Format("TIFF", (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]", _open_tiff),
    Format("BMP", (".bmp",), rb"BM", _open_bmp),
    Format("GIF", (".gif",), rb"GIF8[79]a", _open_gif),
    Format("AVIF", (".avif",), rb"....ftyp(....)*?avi[fs]", _open_avif),
    Format("HEIC", (".heic", ".heif", ".hif"), rb"....ftyp(....)*?(hei[cxms]|hev[cxms]|mif[12]|msf1)", _open_heic),
)  # fmt: skip


def format_of(head: bytes) -> Format | None:
    """The first format that files that begin so are of."""
    return next((f for f in FORMATS if re.match(f.begin, head, re.DOTALL)), None)
