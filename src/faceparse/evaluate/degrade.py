"""Reproducible degradations, to measure a model on blurred, small, noisy or dark pictures.

>>> import numpy as np
>>> degradation("dark")(np.full((4, 4, 3), 200, np.uint8))[0, 0].tolist()
[40, 40, 40]

The numbers in the names apply to a longer side of 512 px. A picture of another size looks as if it had been
degraded at 512 px and then resized, but keeps the detail that resizing would lose.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError

Picture = NDArray[np.uint8]
SIDE = 512


def _blur(picture: Picture, sigma: float, seed: int) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * max(picture.shape[:2]) / SIDE), np.uint8)


def _down(picture: Picture, side: float, seed: int) -> Picture:
    size = picture.shape[1::-1]
    small = cv2.resize(picture, _scaled(size, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _noise(picture: Picture, sigma: float, seed: int) -> Picture:
    size = picture.shape[1::-1]
    # The seed is made from the pixels, not from a name or an index, so that a picture in a subset of a data set gets
    # the same noise.
    rng = np.random.default_rng([seed, zlib.crc32(picture.tobytes())])
    noise = sigma * rng.standard_normal((*_scaled(size, SIDE)[::-1], 3), np.float32)
    way = cv2.INTER_AREA if max(size) < SIDE else cv2.INTER_NEAREST
    return (picture + cv2.resize(noise, size, interpolation=way)).round().clip(0, 255).astype(np.uint8)


def _dark(picture: Picture, amount: float, seed: int) -> Picture:
    return np.asarray(cv2.convertScaleAbs(picture, alpha=0.2), np.uint8)


def _scaled(size: tuple[int, ...], side: float) -> tuple[int, int]:
    """Scale (width, height) so that the longer one is `side`."""
    width, height = (max(1, round(side * length / max(size))) for length in size)
    return width, height


DEGRADATIONS = {"blur": _blur, "down": _down, "noise": _noise, "dark": _dark}
"""Kind → function that takes a picture, the number in the name and a seed, and returns a degraded picture."""


def degradation(name: str, seed: int = 0) -> Callable[[Picture], Picture]:
    """Return a function that degrades a picture, RGB uint8 H × W × 3, and keeps the picture's size.

    >>> degradation("down40")(np.zeros((300, 512, 3), np.uint8)).shape
    (300, 512, 3)

    Args:
        name: `blurN`: Gaussian blur with a sigma of N px. `downN`: averaged down to N px on the longer side and
            enlarged again bilinearly. `noiseN`: normal noise with a sigma of N of 255, clipped. `dark`: values × 0.2.
        seed: Seed of the noise, which also depends on the picture's pixels.

    Raises:
        ConfigError: an unknown name.
    """
    words = re.fullmatch(r"(?:(blur|down|noise)(\d{1,3}(?:\.\d+)?)|(dark))", name)
    amount = float(words[2] or 1) if words else 0
    if words is None or not amount:
        raise ConfigError(f"a degradation is blurN, downN, noiseN or dark, such as blur4; got {name!r}")
    change = DEGRADATIONS[words[1] or words[3]]
    return lambda picture: change(picture, amount, seed)
