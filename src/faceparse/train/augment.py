"""Random samples of a labelled picture; image and labels always move together.

OpenCV does the geometry, not torchvision's transforms v2: on a CPU that also trains, a sample costs about a quarter
(`benchmarks/augmentation.py`), and every random number comes from the generator that is handed in, where theirs come
from torch's global one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data.landmarks import mirror
from faceparse.errors import ConfigError
from faceparse.labels import IGNORE, Scheme
from faceparse.tables import at_least, between, check
from faceparse.train import degrade
from faceparse.train.covers import cover
from faceparse.train.paste import Donors
from faceparse.train.scenes import scene

RARE = 0.1
"""Share of samples that are turned by the larger of two ranges."""
Odds = Annotated[float, between(0, 1)]
Degrees = Annotated[float, at_least(0)]
Zoom = Annotated[float, between(0.1, 10)]


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random samples.

    Attributes:
        flip: Probability of mirroring, with left and right labels swapped.
        rotate: Largest rotation to either side, degrees; of two numbers the second is for one sample in ten.
        scale: Smallest and largest zoom, drawn log-uniformly; 1 keeps the framing.
        aspect: Largest factor by which width and height part, either way, drawn log-uniformly; 1 keeps the shape.
        shift: Largest shift to each side, in parts of the picture's side.
        crop: Whether an enlarged picture is shifted anywhere over the sample instead: a random crop.
        border: Probability of one colour outside the picture, labelled background; else its mirror image, which
            does not count.
        colour: Largest change of brightness, contrast and saturation, 0.3 = ±30 %.
        hue: Largest turn of the hue to either side, in whole turns: 0.1 = ±36°.
        gray: Probability of a gray picture.
        gamma: Probability of another exposure curve, of exponent 0.5 to 2.
        dark: Probability of little light: a tenth to half of it, and a sensor's noise.
        blur: Probability of a blur: Gaussian of up to 7 px in a sample of 448 px, or one in nine by motion, of 5 to
            21 px; in proportion at other sizes.
        shrink: Probability of few pixels: 28 to 220 on the longer side, enlarged again by several filters, at times
            with noise or JPEG in between. A sample is blurred or shrunk, not both.
        noise: Probability of a sensor's noise, of up to 36 of 255.
        jpeg: Probability of JPEG compression at quality 8 to 90.
        occlude: Probability of a hand, a thing, a bar or a medical mask over the picture, labelled background.
        paste: Probability of a hat, glasses, a necklace or an earring from another portrait; see `faceparse.train.paste`.
        scene: Probability of a portrait being set into a wider made scene first; see `faceparse.train.scenes`.
    """

    flip: Odds = 0.5
    rotate: Degrees | tuple[Degrees, Degrees] = 15.0
    scale: tuple[Zoom, Zoom] = (0.75, 1.35)
    aspect: Annotated[float, between(1, 3)] = 1.0
    shift: Annotated[float, at_least(0)] = 0.08
    crop: bool = False
    border: Odds = 0.0
    colour: Odds = 0.3
    hue: Annotated[float, between(0, 0.5)] = 0.0
    gray: Odds = 0.05
    gamma: Odds = 0.0
    dark: Odds = 0.0
    blur: Odds = 0.1
    shrink: Odds = 0.0
    noise: Odds = 0.0
    jpeg: Odds = 0.1
    occlude: Odds = 0.0
    paste: Odds = 0.0
    scene: Odds = 0.0

    def __post_init__(self) -> None:
        check(self, "augmentation")
        if self.blur + self.shrink > 1:
            raise ConfigError(
                "a sample is blurred or shrunk: augmentation.blur and augmentation.shrink add up to 1 at most; "
                f"got {self.blur} and {self.shrink}"
            )
        if self.scale[0] > self.scale[1]:
            raise ConfigError(
                f"augmentation.scale is the smallest and the largest zoom; got {list(self.scale)}"
            )


class TrainingSample(NamedTuple):
    """One random sample of a labelled picture, as a network is shown it.

    Attributes:
        image: RGB uint8, height × width × 3.
        labels: uint8, height × width; 255 is ignore.
        landmarks: float64, 5 × 2, x and y in its pixels, image-left first; None where there were none.
        clean: The image before occlusion and degradation, for a teacher.
        genuine: Where the image shows what the picture did, height × width: not outside it, nor drawn or pasted.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    landmarks: NDArray[np.float64] | None
    clean: NDArray[np.uint8]
    genuine: NDArray[np.bool_]


def augment(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    size: int | tuple[int, int],
    how: Augmentation,
    scheme: Scheme,
    rng: np.random.Generator,
    landmarks: NDArray[np.float64] | None = None,
    donors: Donors | None = None,
) -> TrainingSample:
    """One random sample of that size.

    Args:
        image: RGB uint8, H × W × 3.
        labels: uint8, H × W, in `scheme`.
        size: Side of the sample, or its height and width.
        how: Ranges.
        scheme: Which labels trade places in a mirror.
        rng: All randomness comes from it.
        landmarks: Five points of the face, 5 × 2 (`faceparse.data.landmarks.five_points`), which move along;
            a `scene` takes none.
        donors: Portraits to paste from.
    """
    genuine = np.full(labels.shape, 255, np.uint8)
    if rng.random() < how.paste and donors is not None:
        image, labels = image.copy(), labels.copy()
        genuine[donors.paste(image, labels, rng)] = 0
    if rng.random() < how.scene:
        image, labels = scene(image, labels, scheme, rng)
        genuine = np.zeros(labels.shape, np.uint8)  # a teacher has not met the like
    target = (size, size) if isinstance(size, int) else size[::-1]
    whole = _placement(labels.shape, target, how, rng)
    plain = rng.random() < how.border
    colour = rng.integers(0, 256, 3) * (rng.random() < 0.5) if plain else None
    image, labels, genuine = _warp(image, labels, genuine, target, whole, colour)
    points = None if landmarks is None else landmarks @ whole[:2, :2].T + whole[:2, 2]
    if rng.random() < how.flip:
        image, genuine = (np.ascontiguousarray(a[:, ::-1]) for a in (image, genuine))
        labels = scheme.flip(labels)
        points = None if points is None else mirror(points, target[0])
    clean = image
    if rng.random() < how.occlude:
        image, hidden = cover(image, labels, scheme, rng)
        labels[hidden & (labels != IGNORE)] = 0
        genuine[hidden] = 0
    return TrainingSample(_degraded(image, how, rng), labels, points, clean, genuine > 0)


def _degraded(image: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture as a worse camera, screen or network would give it."""
    dark, noise, gamma = rng.random(3) < (how.dark, how.noise, how.gamma)
    # Little light and noise in floats: a sensor adds its noise before anything is rounded.
    pixels: degrade.Pixels = image.astype(np.float32) if dark or noise else image
    light = float(rng.uniform(0.1, 0.5)) if dark else None
    pixels = degrade.coloured(pixels, how.colour, how.hue, how.gray, light, rng)
    if gamma:
        curve = 255 * (np.arange(256) / 255) ** math.exp(rng.uniform(-0.7, 0.7))
        pixels = curve.astype(pixels.dtype)[np.clip(pixels, 0, 255).astype(np.uint8)]
    fault = rng.random()  # blur or shrink, not both: their worst together leave nothing to learn
    if fault < how.blur:
        scale = max(image.shape[:2]) / degrade.SIDE
        if rng.random() < 1 / 9:
            pixels = degrade.shaken(pixels, float(rng.uniform(5, 21)) * scale, float(rng.uniform(0, math.pi)))
        else:
            pixels = degrade.blurred(pixels, degrade.log_uniform(rng, 0.5, 7) * scale)
    elif fault > 1 - how.shrink:
        pixels = degrade.shrunk(pixels, rng)
    if dark or noise:
        pixels = degrade.noisy(pixels, float(rng.uniform(1, 14 if dark else 36)), rng)
    if rng.random() < how.jpeg:
        pixels = degrade.compressed(pixels, int(rng.integers(8, 91)))
    return degrade.as_bytes(pixels)


def _placement(
    shape: tuple[int, ...], target: tuple[int, int], how: Augmentation, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How points of the picture come to points of the sample, whose (width, height) is `target`, 3 × 3."""
    height, width = shape
    usual, rare = how.rotate if isinstance(how.rotate, tuple) else (how.rotate, how.rotate)
    most = rare if rng.random() < RARE else usual
    angle = math.radians(rng.uniform(-most, most))
    zoom = degrade.log_uniform(rng, *how.scale)
    wider = math.exp(rng.uniform(-1, 1) * math.log(how.aspect) / 2)
    room = max(zoom - 1, 0) / 2 if how.crop else how.shift
    shift = rng.uniform(-room, room, 2) * target
    # Continuous coordinates: squeeze to the sample, turn and zoom about its centre, shift.
    squeeze = np.diag([target[0] / width, target[1] / height, 1.0])
    half = np.array(target) / 2
    c, s = zoom * math.cos(angle), zoom * math.sin(angle)
    turn = np.array([[c * wider, -s / wider, 0], [s * wider, c / wider, 0], [0, 0, 1]])
    turn[:2, 2] = half + shift - turn[:2, :2] @ half
    return turn @ squeeze


def _warp(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    genuine: NDArray[np.uint8],
    target: tuple[int, int],
    whole: NDArray[np.float64],
    colour: NDArray[np.int64] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Image, labels and mask at their place in the sample; outside one colour, which is background, or a mirror image."""
    # OpenCV's pixel centres lie on integers.
    to_centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = (np.linalg.inv(to_centre) @ whole @ to_centre)[:2]
    shrink = 1 / math.sqrt(abs(np.linalg.det(whole[:2, :2])))
    if shrink > 1.1:  # keeps a bilinear warp from aliasing
        sigma = 0.5 * math.sqrt(shrink**2 - 1)
        image = cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8, copy=False)
    outside = (cv2.BORDER_REFLECT_101, ()) if colour is None else (cv2.BORDER_CONSTANT, colour.tolist())
    warped = cv2.warpAffine(
        image, matrix, target, flags=cv2.INTER_LINEAR, borderMode=outside[0], borderValue=outside[1]
    )
    moved, kept = (
        cv2.warpAffine(a, matrix, target, flags=cv2.INTER_NEAREST, borderValue=(value,))
        for a, value in ((labels, IGNORE if colour is None else 0), (genuine, 0))
    )
    return np.asarray(warped, np.uint8), np.asarray(moved, np.uint8), np.asarray(kept, np.uint8)
