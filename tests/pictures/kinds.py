"""Every kind of picture that is read: made here, read in `test_kinds`, told in `docs/inputs.md`, mutated by `tests.fuzz`."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

Pixels = NDArray[np.uint8]

HEIGHT, WIDTH = 72, 96


def reference() -> Pixels:
    """Colours that differ in every corner, smooth enough for lossy formats."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / np.array([[[HEIGHT]], [[WIDTH]]])
    return np.asarray(np.rint(255 * np.stack([x, y, (1 - x) * (1 - y)], 2)), np.uint8)


PIXELS = reference()
IMAGE = Image.fromarray(PIXELS)
GRAY: Pixels = np.repeat(np.asarray(IMAGE.convert("L"))[..., None], 3, 2)
ALPHA = np.repeat(np.linspace(0, 255, WIDTH).round().astype(np.uint8)[None], HEIGHT, 0)
RGBA = Image.fromarray(np.dstack([PIXELS, ALPHA]))
OVER_WHITE: Pixels = np.rint(255 + (PIXELS - 255.0) * (ALPHA[..., None] / 255)).astype(np.uint8)
GRAY16 = GRAY[..., 0].astype(np.uint16) * 257


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: Its row in the docs.
        make: An encoded file.
        seen: How it is to be read.
        error: Largest mean difference from that.
        needs: Optional package that decodes it.
    """

    name: str
    make: Callable[[], bytes]
    seen: Pixels
    error: float = 0.5
    needs: str | None = None


def decodes(needs: str | None) -> bool:
    """Whether what a kind needs is installed."""
    if needs == "avif":
        try:
            from PIL.AvifImagePlugin import SUPPORTED
        except ImportError:  # Pillow before 11.3
            return False
        return SUPPORTED
    return needs is None or find_spec(needs) is not None


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def stored(image: Image.Image, orientation: int) -> Image.Image:
    """How a picture is stored that is seen upright thanks to an orientation."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose
    return image.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else image


def chunk(kind: bytes, body: bytes) -> bytes:
    """One of PNG's."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(extra: bytes, image: Image.Image = IMAGE) -> bytes:
    """A PNG with more chunks after its header."""
    data = encoded(image, "PNG")
    return data[:33] + extra + data[33:]


def xmp(orientation: int) -> bytes:
    return f'<x:xmpmeta><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


def cv(ending: str, pixels: NDArray[Any]) -> bytes:
    return cv2.imencode(ending, pixels)[1].tobytes()


def bmp_rle8() -> bytes:
    """Gray levels as runs."""
    palette = b"".join(bytes([i, i, 255 - i, 0]) for i in range(256))
    rows = [b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in GRAY[::-1, :, 0]]
    data = b"".join(rows) + b"\0\1"
    start = 54 + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(data), 0, 0, 256, 0)
    return head + info + palette + data


def png_interlaced() -> bytes:
    """Adam7, 8 bits RGB."""
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = [b"\0" + row.tobytes() for y, x, dy, dx in passes for row in PIXELS[y::dy, x::dx] if row.size]
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )


def tiff_tiled() -> bytes:
    """RGB in tiles of 32 × 32, uncompressed."""
    tiles = [
        np.pad(t, ((0, 32 - t.shape[0]), (0, 32 - t.shape[1]), (0, 0))).tobytes()
        for y in range(0, HEIGHT, 32)
        for x in range(0, WIDTH, 32)
        for t in [PIXELS[y : y + 32, x : x + 32]]
    ]
    return tiff(
        {256: WIDTH, 257: HEIGHT, 258: (8, 8, 8), 259: 1, 262: 2, 277: 3, 322: 32, 323: 32}, tiles, 324, 325
    )


def tiff(tags: dict[int, Any], parts: list[bytes], offsets: int = 273, sizes: int = 279) -> bytes:
    """A little-endian TIFF of some parts of pixels."""
    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        ifd[tag] = value
    starts = [8 + sum(map(len, parts[:i])) for i in range(len(parts))]
    ifd[offsets], ifd[sizes] = tuple(starts), tuple(map(len, parts))
    pixels = b"".join(parts)
    end = 8 + len(pixels)
    return b"II*\0" + struct.pack("<I", end) + pixels + ifd.tobytes(end)


def frames(kind: str, **options: Any) -> bytes:
    """Two pictures, the second one black."""
    return encoded(IMAGE, kind, save_all=True, append_images=[Image.new("RGB", IMAGE.size)], **options)


def heif(image: Image.Image, **options: Any) -> bytes:
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=95, **options)
    return file.getvalue()


def paletted() -> Image.Image:
    return IMAGE.quantize(256, dither=Image.Dither.NONE)


PALETTED: Pixels = np.asarray(paletted().convert("RGB"))


def transparent_palette() -> bytes:
    image = paletted()
    return encoded(image, "PNG", transparency=bytes([0] * 128 + [255] * 128))


def transparent_palette_seen() -> Pixels:
    seen = PALETTED.copy()
    seen[np.asarray(paletted()) < 128] = 255
    return seen


def transparent_value(image: Pixels, value: tuple[int, ...]) -> Pixels:
    seen = image.copy()
    seen[(image == np.array(value)).all(2)] = 255
    return seen


def ink_profile() -> bytes:
    """A made colour profile by whose word cyan ink is a dark red (CIELAB 40, 50, 30) and black is black."""
    paper, ink, black = bytes((255, 128, 128)), bytes((102, 178, 158)), bytes((0, 128, 128))
    colours = b"".join(black if corner & 1 else ink if corner & 8 else paper for corner in range(16))
    ramp = bytes(range(256))
    identity = struct.pack(">9I", *(65536 * (i % 4 == 0) for i in range(9)))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + colours + ramp * 3
    white = struct.pack(">4sI3I", b"XYZ ", 0, 0xF6D6, 0x10000, 0xD32D)
    text = b"text\0\0\0\0made\0\0\0\0"
    tags = {b"A2B0": table + bytes(-len(table) % 4), b"wtpt": white, b"cprt": text}
    at, index, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        index += struct.pack(">4sII", name, at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"", 0x2400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp").ljust(32, b"\0")
    head += white[8:]
    return head.ljust(128, b"\0") + index + body


def inked() -> Image.Image:
    """Cyan ink on the right half."""
    ink = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    ink[:, WIDTH // 2 :, 0] = 255
    return Image.frombytes("CMYK", IMAGE.size, ink.tobytes())


INKED = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
INKED[:, WIDTH // 2 :] = 173, 49, 48  # as OpenCV converts that colour


def jpeg_ycck() -> bytes:
    """As Photoshop writes CMYK: its ink's complements as luma and chroma, which Adobe's marker tells."""
    ycc = np.asarray(Image.fromarray(255 - PIXELS).convert("YCbCr"))
    channels = np.dstack([255 - ycc, np.zeros((HEIGHT, WIDTH), np.uint8)])
    data = encoded(Image.frombytes("CMYK", IMAGE.size, channels.tobytes()), "JPEG", quality=95)
    transform = data.index(b"Adobe") + 11
    return data[:transform] + b"\2" + data[transform + 1 :]


def lab() -> bytes:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    converted = ImageCms.applyTransform(IMAGE, to_lab)
    assert converted
    return encoded(converted, "TIFF")


BIT = (GRAY >= 128).astype(np.uint8) * 255
BIT_IMAGE = IMAGE.convert("L").point(lambda v: 255 * (v >= 128)).convert("1")

KINDS = (
    Kind("JPEG", lambda: encoded(IMAGE, "JPEG", quality=95), PIXELS, 2),
    Kind("JPEG, progressive", lambda: encoded(IMAGE, "JPEG", quality=95, progressive=True), PIXELS, 2),
    Kind("JPEG, gray", lambda: encoded(IMAGE.convert("L"), "JPEG", quality=95), GRAY, 2),
    Kind("JPEG, CMYK", lambda: encoded(IMAGE.convert("CMYK"), "JPEG", quality=95), PIXELS, 2),
    Kind("JPEG, CMYK with its profile", lambda: encoded(inked(), "JPEG", quality=95, icc_profile=ink_profile()), INKED, 1),
    Kind("JPEG, CMYK with a damaged profile", lambda: encoded(IMAGE.convert("CMYK"), "JPEG", quality=95, icc_profile=b"none" * 40), PIXELS, 2),
    Kind("JPEG, YCCK", jpeg_ycck, PIXELS, 2),
    Kind("JPEG, turned by EXIF", lambda: encoded(stored(IMAGE, 6), "JPEG", quality=95, exif=exif(6)), PIXELS, 2),
    Kind("MPO (several JPEGs)", lambda: frames("MPO", quality=95), PIXELS, 2),
    Kind("PNG, 8 bits RGB", lambda: encoded(IMAGE, "PNG"), PIXELS, 0),
    Kind("PNG, 16 bits RGB", lambda: cv(".png", PIXELS[..., ::-1].astype(np.uint16) * 257), PIXELS, 0),
    Kind("PNG, 8 bits gray", lambda: encoded(IMAGE.convert("L"), "PNG"), GRAY, 0),
    Kind("PNG, 16 bits gray", lambda: encoded(Image.fromarray(GRAY16), "PNG"), GRAY, 0),
    Kind("PNG, 1 bit", lambda: encoded(BIT_IMAGE, "PNG"), BIT, 0),
    Kind("PNG, palette", lambda: encoded(paletted(), "PNG"), PALETTED, 0),
    Kind("PNG, palette with transparency", transparent_palette, transparent_palette_seen(), 0),
    Kind("PNG, RGBA", lambda: encoded(RGBA, "PNG"), OVER_WHITE),
    Kind("PNG, gray with alpha", lambda: encoded(RGBA.convert("LA"), "PNG"), np.rint(255 + (GRAY - 255.0) * (ALPHA[..., None] / 255)).astype(np.uint8)),
    Kind("PNG, a transparent colour", lambda: encoded(IMAGE, "PNG", transparency=(0, 0, 255)), transparent_value(PIXELS, (0, 0, 255)), 0),
    Kind("PNG, interlaced", png_interlaced, PIXELS, 0),
    Kind("PNG, turned by EXIF", lambda: encoded(stored(IMAGE, 8), "PNG", exif=exif(8)), PIXELS, 0),
    Kind("PNG, turned by XMP", lambda: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(3)), stored(IMAGE, 3)), PIXELS, 0),
    Kind("APNG (animated)", lambda: frames("PNG"), PIXELS, 0),
    Kind("WebP", lambda: encoded(IMAGE, "WEBP", quality=95), PIXELS, 2),
    Kind("WebP, lossless", lambda: encoded(IMAGE, "WEBP", lossless=True), PIXELS, 0),
    Kind("WebP, alpha", lambda: encoded(RGBA, "WEBP", lossless=True, exact=True), OVER_WHITE),
    Kind("WebP, turned by EXIF", lambda: encoded(stored(IMAGE, 5), "WEBP", lossless=True, exif=exif(5)), PIXELS, 0),
    Kind("WebP, animated", lambda: frames("WEBP", lossless=True), PIXELS, 0),
    Kind("TIFF, 8 bits RGB", lambda: encoded(IMAGE, "TIFF"), PIXELS, 0),
    Kind("TIFF, 16 bits RGB", lambda: cv(".tiff", PIXELS[..., ::-1].astype(np.uint16) * 257), PIXELS, 0),
    Kind("TIFF, gray", lambda: encoded(IMAGE.convert("L"), "TIFF"), GRAY, 0),
    Kind("TIFF, 16 bits gray", lambda: encoded(Image.fromarray(GRAY16), "TIFF"), GRAY, 0),
    Kind("TIFF, 32-bit integers that hold 16 bits", lambda: encoded(Image.fromarray(GRAY16.astype(np.int32)), "TIFF"), GRAY, 0),
    Kind("TIFF, float gray", lambda: encoded(Image.fromarray(GRAY[..., 0] / np.float32(255)), "TIFF"), GRAY, 0),
    Kind("TIFF, 1 bit", lambda: encoded(BIT_IMAGE, "TIFF", compression="group4"), BIT, 0),
    Kind("TIFF, palette", lambda: encoded(paletted(), "TIFF"), PALETTED, 0),
    Kind("TIFF, RGBA", lambda: encoded(RGBA, "TIFF"), OVER_WHITE),
    Kind("TIFF, CMYK", lambda: encoded(IMAGE.convert("CMYK"), "TIFF"), PIXELS, 0),
    Kind("TIFF, CMYK with its profile", lambda: encoded(inked(), "TIFF", icc_profile=ink_profile()), INKED, 1),
    Kind("TIFF, CIELAB", lab, PIXELS, 3),
    Kind("TIFF, LZW", lambda: encoded(IMAGE, "TIFF", compression="tiff_lzw"), PIXELS, 0),
    Kind("TIFF, Deflate", lambda: encoded(IMAGE, "TIFF", compression="tiff_adobe_deflate"), PIXELS, 0),
    Kind("TIFF, PackBits", lambda: encoded(IMAGE, "TIFF", compression="packbits"), PIXELS, 0),
    Kind("TIFF, JPEG", lambda: encoded(IMAGE, "TIFF", compression="jpeg", quality=95), PIXELS, 2),
    Kind("TIFF, tiled", tiff_tiled, PIXELS, 0),
    Kind("TIFF, turned by its tag", lambda: encoded(stored(IMAGE, 7), "TIFF", tiffinfo={274: 7}), PIXELS, 0),
    Kind("TIFF, several pages", lambda: frames("TIFF"), PIXELS, 0),
    Kind("BigTIFF", lambda: encoded(IMAGE, "TIFF", big_tiff=True), PIXELS, 0),
    Kind("BMP, 24 bits", lambda: encoded(IMAGE, "BMP"), PIXELS, 0),
    Kind("BMP, palette", lambda: encoded(paletted(), "BMP"), PALETTED, 0),
    Kind("BMP, 1 bit", lambda: encoded(BIT_IMAGE, "BMP"), BIT, 0),
    Kind("BMP, run-length coded", bmp_rle8, np.dstack([255 - GRAY[..., :1], GRAY[..., :2]]), 0),
    Kind("GIF", lambda: encoded(paletted(), "GIF"), PALETTED, 0),
    Kind("GIF, transparent", lambda: encoded(paletted(), "GIF", transparency=255), transparent_value(PALETTED, tuple(PALETTED[np.asarray(paletted()) == 255][0])), 0),
    Kind("GIF, animated", lambda: frames("GIF"), PIXELS, 12),
    Kind("AVIF", lambda: encoded(IMAGE, "AVIF", quality=90), PIXELS, 2, "avif"),
    Kind("AVIF, alpha", lambda: encoded(RGBA, "AVIF", quality=90), OVER_WHITE, 2, "avif"),
    Kind("AVIF, turned", lambda: encoded(stored(IMAGE, 6), "AVIF", quality=90, exif=exif(6)), PIXELS, 2, "avif"),
    Kind("HEIC", lambda: heif(IMAGE), PIXELS, 2, "pillow_heif"),
    Kind("HEIC, alpha", lambda: heif(RGBA), OVER_WHITE, 3, "pillow_heif"),
    Kind("HEIC, gray", lambda: heif(IMAGE.convert("L")), GRAY, 2, "pillow_heif"),
    Kind("HEIC, turned", lambda: heif(stored(IMAGE, 8), exif=exif(8)), PIXELS, 2, "pillow_heif"),
)  # fmt: skip
