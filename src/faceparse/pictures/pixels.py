"""Convert decoded pixels of any kind to upright RGB.

>>> from PIL import Image
>>> to_rgb(Image.new("LA", (4, 3), (0, 0)))[0, 0]  # transparent: white
array([255, 255, 255], dtype=uint8)
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import ImageError

Raster = Image.Image | NDArray[np.uint8]
"""A Pillow image, or a uint8 array: RGB, H × W × 3, or RGBA, H × W × 4."""

STRIP = 1 << 22
"""Pixels converted at a time: a larger picture needs memory for its stored form, its RGB form and one strip.
"""

WHITE16 = 65535

_PLAIN = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
_ALPHA = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})
_GRAY16 = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height."""
_FLIPS: dict[object, int] = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""EXIF orientation → OpenCV's flip code; orientations 5 to 8 are transposed first."""


def to_rgb(raster: Raster, orientation: object = None) -> NDArray[np.uint8]:
    """Convert a picture to upright RGB uint8, H × W × 3.

    Transparent pixels are blended over white. 16-bit gray is scaled to 8 bits. CMYK is converted with
    its embedded colour profile; other profiles are not applied.

    Args:
        raster: The pixels as stored.
        orientation: EXIF orientation, 1 to 8; any other value leaves the picture as it is.

    Raises:
        ImageError: pixels of no standard range: 32-bit integers beyond 65535, floats outside 0 to 1.
    """
    height, width = raster.shape[:2] if isinstance(raster, np.ndarray) else raster.size[::-1]
    read = _reader(raster)
    if height * width <= STRIP:
        return _turned(read(0, height), orientation)
    sideways = orientation in _SIDEWAYS
    out = np.empty((width, height, 3) if sideways else (height, width, 3), np.uint8)
    step = max(1, STRIP // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        part = slice(height - bottom, height - top) if orientation in (3, 4, 6, 7) else slice(top, bottom)
        out[(slice(None), part) if sideways else part] = _turned(read(top, bottom), orientation)
    return out


def _turned(image: NDArray[np.uint8], orientation: object) -> NDArray[np.uint8]:
    """Rotate and mirror stored rows upright; OpenCV does so faster than NumPy and Pillow."""
    if orientation in _SIDEWAYS:
        image = np.asarray(cv2.transpose(image), np.uint8)
    return np.asarray(cv2.flip(image, _FLIPS[orientation]), np.uint8) if orientation in _FLIPS else image


def _reader(raster: Raster) -> Callable[[int, int], NDArray[np.uint8]]:
    """Return a function that reads a range of rows as RGB."""
    if isinstance(raster, np.ndarray):
        return lambda top, bottom: _flat(raster[top:bottom])
    raster.load()
    convert = _converter(raster)
    width, height = raster.size

    def read(top: int, bottom: int) -> NDArray[np.uint8]:
        return convert(raster if bottom - top == height else raster.crop((0, top, width, bottom)))

    return read


def _converter(image: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    mode = image.mode
    clear = image.info.get("transparency")
    if mode in _GRAY16:
        return lambda strip: _gray16(np.asarray(strip), clear)
    if mode in ("I", "F"):
        return lambda strip: _wide(np.asarray(strip))
    if mode in _ALPHA or (mode in _PLAIN and clear is not None):
        return lambda strip: _flat(np.asarray(strip.convert("RGBA")))
    if mode == "RGB":
        return lambda strip: np.asarray(strip)
    if mode == "CMYK" and (convert := _profile(image.info.get("icc_profile"))):
        return convert
    if mode in _PLAIN:
        return lambda strip: np.asarray(strip.convert("RGB"))
    raise ImageError(f"pixels of Pillow's mode {mode} have no colours: convert them to RGB")


def _flat(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert RGB or RGBA to RGB; RGBA is blended over white."""
    if image.shape[2] == 3:
        return image
    if image[..., 3].min() == 255:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), np.uint8)
    front = Image.fromarray(image)
    return np.asarray(Image.alpha_composite(Image.new("RGBA", front.size, "white"), front).convert("RGB"))


def _gray16(values: NDArray[np.uint16], clear: int | None = None) -> NDArray[np.uint8]:
    """Convert 16-bit gray to RGB: scale by 255 / 65535 and round; pixels of the value `clear` become white."""
    native = np.ascontiguousarray(values, np.uint16)
    gray = cv2.convertScaleAbs(native, alpha=255 / WHITE16)
    if clear is not None:
        gray[native == clear] = 255
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


def _wide(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert 32-bit integers from 0 to 65535, or floats from 0 to 1, to RGB."""
    integer = values.dtype.kind != "f"
    white = WHITE16 if integer else 1
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= white):  # NaN fails, too
        kind = "32-bit integer" if integer else "float"
        raise ImageError(
            f"expected {kind} pixels from 0 (black) to {white} (white); got {low} to {high}: scale them"
        )
    if integer:
        return _gray16(values.astype(np.uint16))
    return np.asarray(cv2.cvtColor(np.rint(values * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)


def _profile(profile: bytes | None) -> Callable[[Image.Image], NDArray[np.uint8]] | None:
    """Return a function that converts CMYK to sRGB with this profile; None if it is no CMYK profile."""
    if not profile:
        return None
    try:
        from PIL import ImageCms

        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), "CMYK", "RGB"
        )
    except Exception:  # damaged, of other colours, or no LittleCMS: ignore the profile
        return None
    return lambda strip: np.asarray(ImageCms.applyTransform(strip, transform))
