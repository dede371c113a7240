"""Random views of a labelled picture; image and labels always move together.

OpenCV does the geometry: on a CPU that also trains, its affine warp of 512² pictures costs about a
tenth of a tensor library's, and every random number comes from the generator that is handed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError
from faceparse.labels import IGNORE, Scheme
from faceparse.train.scenes import scene
from faceparse.train.shapes import strew


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random views.

    Attributes:
        flip: Probability of mirroring, with left and right labels swapped.
        rotate: Largest rotation to either side, degrees.
        scale: Smallest and largest zoom, drawn log-uniformly; 1 keeps the framing.
        shift: Largest shift to each side, in parts of the picture's side.
        crop: Whether an enlarged picture is shifted anywhere over the view instead: a random crop.
        colour: Largest change of brightness, contrast and saturation, 0.3 = ±30 %.
        gray: Probability of a gray picture.
        blur: Probability of a Gaussian blur of up to 1.5 px.
        noise: Probability of JPEG compression at quality 30 to 90.
        occlude: Probability of a shape that hides a part of the picture and is labelled background.
        scene: Probability of a portrait being set into a wider made scene first; see `scenes`.
    """

    flip: float = 0.5
    rotate: float = 15.0
    scale: tuple[float, float] = (0.75, 1.35)
    shift: float = 0.08
    crop: bool = False
    colour: float = 0.3
    gray: float = 0.05
    blur: float = 0.1
    noise: float = 0.1
    occlude: float = 0.0
    scene: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "gray", "blur", "noise", "occlude", "scene", "colour"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"augmentation.{name} is 0 to 1; got {getattr(self, name)}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ConfigError(
                f"augmentation.scale is the smallest and the largest zoom, above 0; got {list(self.scale)}"
            )
        if self.rotate < 0 or self.shift < 0:
            raise ConfigError(
                f"augmentation.rotate and augmentation.shift are 0 or more; got {self.rotate} and {self.shift}"
            )


def augment(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    size: int,
    how: Augmentation,
    scheme: Scheme,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One random view: RGB uint8 size × size × 3 and labels size × size.

    What lies outside the picture is its mirror image in the image and 255 (ignore) in the labels.
    """
    if rng.random() < how.scene:
        image, labels = scene(image, labels, scheme, rng)
    image, labels = _warp(image, labels, size, how, rng)
    if rng.random() < how.flip:
        image, labels = np.ascontiguousarray(image[:, ::-1]), scheme.flip(labels)
    if rng.random() < how.occlude:
        labels[strew(image, rng) & (labels != IGNORE)] = 0
    return _colour(image, how, rng), labels


def _warp(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    size: int,
    how: Augmentation,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    height, width = labels.shape
    angle = math.radians(rng.uniform(-how.rotate, how.rotate))
    zoom = math.exp(rng.uniform(math.log(how.scale[0]), math.log(how.scale[1])))
    room = max(zoom - 1, 0) / 2 if how.crop else how.shift
    shift = rng.uniform(-room, room, 2) * size
    # Continuous coordinates: squeeze to the square, turn and zoom about its centre, shift.
    squeeze = np.diag([size / width, size / height, 1.0])
    c, s = zoom * math.cos(angle), zoom * math.sin(angle)
    half = size / 2
    turn = np.array([[c, -s, half - c * half + s * half], [s, c, half - s * half - c * half], [0, 0, 1]])
    turn[:2, 2] += shift
    whole = turn @ squeeze
    # OpenCV's pixel centres lie on integers.
    to_centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = (np.linalg.inv(to_centre) @ whole @ to_centre)[:2]
    shrink = 1 / math.sqrt(abs(np.linalg.det(whole[:2, :2])))
    if shrink > 1.1:  # keeps a bilinear warp from aliasing
        sigma = 0.5 * math.sqrt(shrink**2 - 1)
        image = cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8, copy=False)
    warped = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    moved = cv2.warpAffine(
        labels,
        matrix,
        (size, size),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=IGNORE,
    )
    return warped.astype(np.uint8, copy=False), moved.astype(np.uint8, copy=False)


def _colour(image: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    brightness, contrast, saturation = 1 + rng.uniform(-how.colour, how.colour, 3)
    tint = 1 + rng.uniform(-how.colour, how.colour, 3) / 6
    gray, blur, noise = rng.random(3) < (how.gray, how.blur, how.noise)
    sigma, quality = rng.uniform(0.3, 1.5), int(rng.integers(30, 91))
    luma = np.array([0.299, 0.587, 0.114])
    mix = (0.0 if gray else saturation) * np.eye(3) + (1 - (0.0 if gray else saturation)) * luma
    # One affine map of the RGB vector: saturation, then contrast about the mean, brightness and tint.
    matrix = contrast * brightness * tint[:, None] * mix
    mean = image.mean(axis=(0, 1))
    offset = brightness * tint * (1 - contrast) * float(mean @ luma)
    mapped: Any = cv2.transform(image, np.hstack([matrix, offset[:, None]]))
    if blur:
        mapped = cv2.GaussianBlur(mapped, (0, 0), sigma)
    if noise:
        _, coded = cv2.imencode(".jpg", mapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
        mapped = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    result: NDArray[np.uint8] = mapped.astype(np.uint8, copy=False)
    return result
