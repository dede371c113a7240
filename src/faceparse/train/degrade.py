"""Image changes that keep the labels: colour, low light, blur, low resolution, noise, JPEG.

Every function takes and returns RGB, H × W × 3, uint8 or float32 from 0 to 255.

>>> import numpy as np
>>> soft = blurred(np.zeros((64, 64, 3), np.uint8), 2.0)
>>> soft.shape
(64, 64, 3)
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""RGB, H × W × 3, uint8 or float32 from 0 to 255; every function returns the type of its input."""

SIDE = 448
"""Sample side in pixels to which the strengths of blurs refer; at other sides they scale in proportion."""


def blurred(image: Pixels, sigma: float) -> Pixels:
    """Return the picture with a Gaussian blur of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))


def shaken(image: Pixels, length: float, angle: float) -> Pixels:
    """Return the picture with motion blur along a line of `length` pixels at `angle` radians."""
    side = max(3, round(length)) | 1
    middle = side // 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    start, end = ((round(middle + s * reach[0]), round(middle + s * reach[1])) for s in (-1, 1))
    kernel = np.zeros((side, side), np.float32)
    cv2.line(kernel, start, end, (1.0,))
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def noisy(image: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Return the picture with normal noise of `sigma`, in values of 255; some noise is gray or coarser than a pixel."""
    channels = 1 if rng.random() < 0.2 else 3
    noise = rng.standard_normal((*image.shape[:2], channels), np.float32) * np.float32(sigma)
    if rng.random() < 0.3:
        noise = 1.7 * cv2.GaussianBlur(noise, (0, 0), 0.8).reshape(noise.shape)
    return np.asarray(image + noise, image.dtype)


def compressed(image: Pixels, quality: int) -> Pixels:
    """Return the picture after JPEG compression at `quality`, 1 to 100."""
    bgr = as_bytes(image)[..., ::-1]
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))[..., ::-1], image.dtype)


_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)


def shrunk(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture reduced to a longer side of 28 to 220 px, in some cases with noise or JPEG, and enlarged again."""
    height, width = image.shape[:2]
    part = min(1.0, log_uniform(rng, 28, 220) / max(height, width))
    small = (max(1, round(width * part)), max(1, round(height * part)))
    pixels: Pixels = np.asarray(cv2.resize(image, small, interpolation=_DOWN[int(rng.random() < 0.3)]))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 12), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(pixels.dtype)
    if rng.random() < 0.3:
        pixels = compressed(pixels, int(rng.integers(8, 91)))
    filter = _UP[rng.choice(3, p=(0.45, 0.4, 0.15))]
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=filter))


def coloured(
    image: Pixels, change: float, hue: float, gray: float, light: float | None, rng: np.random.Generator
) -> Pixels:
    """Return the picture with random brightness, contrast, saturation, hue and tint.

    Args:
        image: The picture.
        change: Largest change of brightness, contrast and saturation: 0.3 = ±30 %.
        hue: Largest rotation of the hue to either side, in full turns.
        gray: Probability of a gray picture.
        light: Fixed factor of brightness; None for a random factor.
        rng: Source of all randomness.
    """
    brightness, contrast, saturation = 1 + rng.uniform(-change, change, 3)
    brightness = brightness if light is None else light
    tint = 1 + rng.uniform(-change, change, 3) / 6
    if rng.random() < gray:
        saturation = 0.0
    luma = np.array([0.299, 0.587, 0.114])
    mix = saturation * np.eye(3) + (1 - saturation) * luma
    if hue:
        mix = mix @ _turned(rng.uniform(-hue, hue))
    # One affine map of the RGB vector: hue, saturation, then contrast about the mean, brightness and tint.
    matrix = contrast * brightness * tint[:, None] * mix
    mean = image.mean(axis=(0, 1))
    offset = brightness * tint * (1 - contrast) * float(mean @ luma)
    return np.asarray(cv2.transform(image, np.hstack([matrix, offset[:, None]])))


_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
"""Matrix from RGB to luma and two chroma axes (NTSC's YIQ)."""


def _turned(turns: float) -> NDArray[np.float64]:
    """Return a 3 × 3 matrix, RGB to RGB, that rotates chroma about the gray axis and keeps luma."""
    c, s = math.cos(2 * math.pi * turns), math.sin(2 * math.pi * turns)
    return np.asarray(np.linalg.inv(_YIQ) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ _YIQ)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a log-uniform random number from `low` to `high`: 1 to 2 is as likely as 10 to 20."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def as_bytes(image: Pixels) -> NDArray[np.uint8]:
    """Round and clip to uint8."""
    if image.dtype == np.uint8:
        return image
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
