"""What spoils a picture and leaves its labels alone: colour, little light, blur, few pixels, noise, JPEG.

>>> import numpy as np
>>> soft = blurred(np.zeros((64, 64, 3), np.uint8), 2.0)
>>> soft.shape
(64, 64, 3)
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""RGB, H × W × 3, uint8 or float32 of 0 to 255; every function gives back the type that it takes."""

SIDE = 448
"""Strengths of blurs are in pixels of a sample of this side, and scale with it."""


class Faults(Protocol):
    """The fields of `Augmentation` that are read here, which says what they mean."""

    @property
    def colour(self) -> float: ...
    @property
    def hue(self) -> float: ...
    @property
    def gray(self) -> float: ...
    @property
    def gamma(self) -> float: ...
    @property
    def dark(self) -> float: ...
    @property
    def blur(self) -> float: ...
    @property
    def shrink(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def jpeg(self) -> float: ...


def degrade(image: NDArray[np.uint8], odds: Faults, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture as a worse camera, screen or network would give it; labels stay as they are.

    Args:
        image: RGB uint8, H × W × 3.
        odds: How often each fault occurs.
        rng: All randomness comes from it.
    """
    dark, noise, gamma = rng.random(3) < (odds.dark, odds.noise, odds.gamma)
    # Little light and noise in floats: a sensor adds its noise before anything is rounded.
    pixels: Pixels = image.astype(np.float32) if dark or noise else image
    pixels = _coloured(pixels, odds, rng, light=float(rng.uniform(0.1, 0.5)) if dark else None)
    if gamma:
        curve = 255 * (np.arange(256) / 255) ** math.exp(rng.uniform(-0.7, 0.7))
        pixels = curve.astype(pixels.dtype)[np.clip(pixels, 0, 255).astype(np.uint8)]
    fault = rng.random()  # blur or shrink, not both: their worst together leave nothing to learn
    if fault < odds.blur:
        scale = max(image.shape[:2]) / SIDE
        if rng.random() < 1 / 9:
            pixels = shaken(pixels, float(rng.uniform(5, 21)) * scale, float(rng.uniform(0, math.pi)))
        else:
            pixels = blurred(pixels, _log_uniform(rng, 0.5, 7) * scale)
    elif fault > 1 - odds.shrink:
        pixels = _shrunk(pixels, rng)
    if dark or noise:
        pixels = noisy(pixels, float(rng.uniform(1, 14 if dark else 36)), rng)
    if rng.random() < odds.jpeg:
        pixels = compressed(pixels, int(rng.integers(8, 91)))
    return _bytes(pixels)


def blurred(image: Pixels, sigma: float) -> Pixels:
    """Gaussian blur; `sigma` in pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))


def shaken(image: Pixels, length: float, angle: float) -> Pixels:
    """Motion blur along a line of `length` pixels at `angle` radians."""
    side = max(3, round(length)) | 1
    middle = side // 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    start, end = ((round(middle + s * reach[0]), round(middle + s * reach[1])) for s in (-1, 1))
    kernel = np.zeros((side, side), np.float32)
    cv2.line(kernel, start, end, (1.0,))
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def noisy(image: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Sensor noise: normal, of `sigma` of 255, now and then in grains of more than a pixel or without colour."""
    channels = 1 if rng.random() < 0.2 else 3
    noise = rng.standard_normal((*image.shape[:2], channels), np.float32) * np.float32(sigma)
    if rng.random() < 0.3:
        noise = 1.7 * cv2.GaussianBlur(noise, (0, 0), 0.8).reshape(noise.shape)
    return np.asarray(image + noise, image.dtype)


def compressed(image: Pixels, quality: int) -> Pixels:
    """Through JPEG and back."""
    _, code = cv2.imencode(".jpg", _bytes(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), image.dtype)


_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)


def _shrunk(image: Pixels, rng: np.random.Generator) -> Pixels:
    """A thumbnail of 28 to 220 px, spoilt at times, and enlarged again."""
    height, width = image.shape[:2]
    part = min(1.0, _log_uniform(rng, 28, 220) / max(height, width))
    small = (max(1, round(width * part)), max(1, round(height * part)))
    pixels: Pixels = np.asarray(cv2.resize(image, small, interpolation=_DOWN[int(rng.random() < 0.3)]))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 12), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(pixels.dtype)
    if rng.random() < 0.3:
        pixels = compressed(pixels, int(rng.integers(8, 91)))
    filter = _UP[rng.choice(3, p=(0.45, 0.4, 0.15))]
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=filter))


def _coloured(image: Pixels, odds: Faults, rng: np.random.Generator, light: float | None) -> Pixels:
    """Brightness, contrast, saturation, hue and tint; `light` takes the place of a random brightness."""
    brightness, contrast, saturation = 1 + rng.uniform(-odds.colour, odds.colour, 3)
    brightness = brightness if light is None else light
    tint = 1 + rng.uniform(-odds.colour, odds.colour, 3) / 6
    if rng.random() < odds.gray:
        saturation = 0.0
    luma = np.array([0.299, 0.587, 0.114])
    mix = saturation * np.eye(3) + (1 - saturation) * luma
    if odds.hue:
        mix = mix @ _hue(rng.uniform(-odds.hue, odds.hue))
    # One affine map of the RGB vector: hue, saturation, then contrast about the mean, brightness and tint.
    matrix = contrast * brightness * tint[:, None] * mix
    mean = image.mean(axis=(0, 1))
    offset = brightness * tint * (1 - contrast) * float(mean @ luma)
    return np.asarray(cv2.transform(image, np.hstack([matrix, offset[:, None]])))


_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
"""RGB → luma and the two axes of chroma (NTSC)."""


def _hue(turns: float) -> NDArray[np.float64]:
    """RGB → RGB, 3 × 3: chroma turned about the gray axis; luma stays."""
    c, s = math.cos(2 * math.pi * turns), math.sin(2 * math.pi * turns)
    matrix: NDArray[np.float64] = np.linalg.inv(_YIQ) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ _YIQ
    return matrix


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _bytes(image: Pixels) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
