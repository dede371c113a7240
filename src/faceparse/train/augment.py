"""Random views of a labelled picture; image and labels always move together.

OpenCV does the geometry, not torchvision's transforms v2: on a CPU that also trains, a view costs about a quarter
(`benchmarks/augmentation.py`), and every random number comes from the generator that is handed in, where theirs come
from torch's global one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data.landmarks import mirrored
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
        hue: Largest turn of the hue to either side, in whole turns: 0.1 = ±36°.
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
    hue: float = 0.0
    gray: float = 0.05
    blur: float = 0.1
    noise: float = 0.1
    occlude: float = 0.0
    scene: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "gray", "blur", "noise", "occlude", "scene", "colour"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"augmentation.{name} is 0 to 1; got {getattr(self, name)}")
        if not 0.1 <= self.scale[0] <= self.scale[1] <= 10:
            raise ConfigError(
                f"augmentation.scale is the smallest and the largest zoom, 0.1 to 10; got {list(self.scale)}"
            )
        if self.rotate < 0 or self.shift < 0:
            raise ConfigError(
                f"augmentation.rotate and augmentation.shift are 0 or more; got {self.rotate} and {self.shift}"
            )
        if not 0 <= self.hue <= 0.5:
            raise ConfigError(f"augmentation.hue is 0 to 0.5 turns; got {self.hue}")


class Seen(NamedTuple):
    """A view of a labelled picture.

    Attributes:
        image: RGB uint8, size × size × 3.
        labels: uint8, size × size; 255 is ignore.
        landmarks: float64, 5 × 2, x and y in its pixels, image-left first; None where there were none.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    landmarks: NDArray[np.float64] | None = None


def augment(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    size: int,
    how: Augmentation,
    scheme: Scheme,
    rng: np.random.Generator,
    landmarks: NDArray[np.float64] | None = None,
) -> Seen:
    """One random view, size × size.

    What lies outside the picture is its mirror image in the image and 255 (ignore) in the labels.

    Args:
        image: RGB uint8, H × W × 3.
        labels: uint8, H × W, in `scheme`.
        size: Side of the view.
        how: Ranges.
        scheme: Which labels trade places in a mirror.
        rng: All randomness comes from it.
        landmarks: Five points of the face, 5 × 2 (`faceparse.data.landmarks.five_points`), which move along;
            a `scene` takes none.
    """
    if rng.random() < how.scene:
        image, labels = scene(image, labels, scheme, rng)
    whole = _placement(labels.shape, size, how, rng)
    image, labels = _warp(image, labels, size, whole)
    points = None if landmarks is None else landmarks @ whole[:2, :2].T + whole[:2, 2]
    if rng.random() < how.flip:
        image, labels = np.ascontiguousarray(image[:, ::-1]), scheme.flip(labels)
        points = None if points is None else mirrored(points, size)
    if rng.random() < how.occlude:
        labels[strew(image, rng) & (labels != IGNORE)] = 0
    return Seen(_colour(image, how, rng), labels, points)


def _placement(
    shape: tuple[int, ...], size: int, how: Augmentation, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How points of the picture come to points of the view, 3 × 3."""
    height, width = shape
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
    placed: NDArray[np.float64] = turn @ squeeze
    return placed


def _warp(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], size: int, whole: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
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
    if how.hue:
        mix = mix @ _hue(rng.uniform(-how.hue, how.hue))
    # One affine map of the RGB vector: hue, saturation, then contrast about the mean, brightness and tint.
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


_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
"""RGB → luma and the two axes of chroma (NTSC)."""


def _hue(turns: float) -> NDArray[np.float64]:
    """RGB → RGB, 3 × 3: chroma turned about the gray axis; luma stays."""
    c, s = math.cos(2 * math.pi * turns), math.sin(2 * math.pi * turns)
    turned: NDArray[np.float64] = np.linalg.inv(_YIQ) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ _YIQ
    return turned
