"""Colours: their names, sRGB's curve, and OKLab, a colour space in which equal distances look equal.

>>> to_oklab(to_linear(np.array([[255, 255, 255]], np.uint8))).round(3).tolist()
[[1.0, 0.0, 0.0]]

Sources: Björn Ottosson, https://bottosson.github.io/posts/oklab/ and, for `to_toe`,
https://bottosson.github.io/posts/colorpicker/. The package colour-science would bring SciPy for these few lines.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from faceparse.errors import ConfigError

Floats = NDArray[np.float32]
Pixels = NDArray[np.unsignedinteger[Any]]
"""uint8 or uint16."""

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
FROM_LAB = np.linalg.inv(TO_LAB)
"""Matrices between the roots of `to_roots` and OKLab."""

_K1, _K2 = 0.206, 0.03
_K3 = (1 + _K1) / (1 + _K2)


def parse_colour(text: str) -> tuple[int, int, int] | None:
    """Return red, green and blue, 0 to 255, of `#rrggbb`, `#rgb` or a CSS name; None for any other text."""
    if not re.fullmatch(r"#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|[a-zA-Z]{3,20}", text):
        return None
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        return None
    return red, green, blue


def rgb(colour: str) -> NDArray[np.uint8]:
    """Return red, green and blue of a colour, 3 uint8.

    Raises:
        ConfigError: the text is no colour.
    """
    values = parse_colour(colour)
    if values is None:
        raise ConfigError(f"a colour is #rrggbb or a CSS name, such as #a0522d or sienna; got {colour!r}")
    return np.array(values, np.uint8)


def to_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    """Return a picture as uint8: itself, or the high bytes of uint16."""
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def byte_of(pixels: Pixels) -> np.unsignedinteger[Any]:
    """Return the factor from 8 bits to a picture's type: 1 of uint8, or 257 of uint16."""
    return pixels.dtype.type(np.iinfo(pixels.dtype).max // 255)


def to_linear(pixels: Pixels) -> Floats:
    """Convert sRGB values, uint8 or uint16, to linear sRGB, float32, 0 to 1."""
    return np.take(_curve(pixels.dtype.str), pixels)


@cache
def _curve(dtype: str) -> Floats:
    values = np.arange(np.iinfo(dtype).max + 1, dtype=np.float64) / np.iinfo(dtype).max
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def to_srgb(light: Floats, dtype: np.dtype[Any]) -> Pixels:
    """Convert linear sRGB to sRGB values of type `dtype`, uint8 or uint16; it is first clipped to 0 to 1."""
    light = np.clip(light, 0, 1)
    if dtype == np.uint8:
        return np.take(_bytes_of_light(), (light * np.float32(_FINE) + np.float32(0.5)).astype(np.uint16))
    return np.asarray(np.rint(_gamma(light) * np.iinfo(dtype).max), dtype)


_FINE = 2**16 - 1


@cache
def _bytes_of_light() -> NDArray[np.uint8]:
    """Return a table of sRGB bytes for linear values in 65,535 steps; it is ten times as fast as the power.

    The steps make an error of at most 0.03 of 8 bits' step.
    """
    return np.asarray(np.rint(_gamma(np.arange(_FINE + 1) / _FINE) * 255), np.uint8)


def _gamma(light: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** np.float32(1 / 2.4) - 0.055)


def to_roots(light: Floats) -> Floats:
    """Convert linear sRGB, … × 3, not negative, to the cube roots of the eye's three responses, on which OKLab stands."""
    cones = transform(light, _TO_LMS)
    roots = cv2.pow(cones.reshape(1, -1), 1 / 3)  # OpenCV 4 has no arrays of one dimension
    return np.asarray(roots, np.float32).reshape(cones.shape)


def from_roots(roots: Floats) -> Floats:
    """Invert `to_roots`; the linear sRGB may lie outside 0 to 1."""
    return transform(roots * roots * roots, np.linalg.inv(_TO_LMS))


def to_oklab(light: Floats) -> Floats:
    """Convert linear sRGB, … × 3, not negative, to OKLab: L (0 to 1), a and b along the last axis."""
    return transform(to_roots(light), TO_LAB)


def from_oklab(lab: Floats) -> Floats:
    """Convert OKLab, … × 3, to linear sRGB, which may lie outside 0 to 1."""
    return from_roots(transform(lab, FROM_LAB))


def to_toe(lightness: Floats) -> Floats:
    """Convert OKLab's lightness to Ottosson's L_r, 0 to 1, whose steps near black look as even as CIELAB's."""
    bent = _K3 * lightness - _K1
    return np.asarray((bent + np.sqrt(bent * bent + 4 * _K2 * _K3 * lightness)) / 2, np.float32)


def without_toe(lightness: Floats) -> Floats:
    """Invert `to_toe`."""
    return np.asarray((lightness**2 + _K1 * lightness) / (_K3 * (lightness + _K2)), np.float32)


def transform(values: Floats, matrix: NDArray[np.floating[Any]]) -> Floats:
    """Multiply each colour, … × 3, by a matrix, n × 3 with n up to 4; NumPy takes ten times as long."""
    out = cv2.transform(values.reshape(1, -1, 3), matrix)
    return np.asarray(out, np.float32).reshape(*values.shape[:-1], len(matrix))
