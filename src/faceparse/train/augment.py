"""Random training samples of a labelled picture; image and labels always get the same geometric transform.

OpenCV does the geometry, not torchvision's transforms v2. On a CPU that also trains, a sample then costs
about a quarter of the time (`benchmarks/augmentation.py`). Every random number comes from the generator in
the arguments, where torchvision uses torch's global generator.
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
from faceparse.train.scenes import SIDE, scene

RARE = 0.1
"""Share of samples that use the second, larger range of rotation."""
Odds = Annotated[float, between(0, 1)]
Degrees = Annotated[float, at_least(0)]
Zoom = Annotated[float, between(0.1, 10)]


@dataclass(frozen=True)
class Augmentation:
    """Ranges and probabilities of the random samples.

    Attributes:
        flip: Probability of mirroring, with left and right labels swapped.
        rotate: Largest rotation to either side, in degrees; of two numbers, the second applies to one sample
            in ten.
        scale: Smallest and largest zoom, drawn log-uniformly; 1 keeps the framing.
        aspect: Largest ratio by which width and height are stretched against each other, drawn log-uniformly;
            1 keeps the aspect ratio.
        shift: Largest shift to each side, as a fraction of the picture's side.
        crop: Whether an enlarged picture may be shifted anywhere within the sample instead of by `shift`: a
            random crop.
        border: Probability that the area outside the picture has one colour and the label background;
            otherwise it shows the mirrored picture and is ignored.
        colour: Largest change of brightness, contrast and saturation, 0.3 = ±30 %.
        hue: Largest rotation of the hue to either side, in full turns: 0.1 = ±36°.
        gray: Probability of a gray picture.
        gamma: Probability of a gamma curve with an exponent from 0.5 to 2.
        dark: Probability of low light: a tenth to half of the brightness, with sensor noise.
        blur: Probability of blur, at a sample side of 448 px: Gaussian of up to 7 px, or for one in nine
            motion blur of 5 to 21 px; other sizes in proportion.
        shrink: Probability of low resolution: reduced to 28 to 220 px on the longer side and enlarged again,
            at times with noise or JPEG in between. A sample is blurred or shrunk, not both.
        noise: Probability of sensor noise, of up to 36 of 255.
        jpeg: Probability of JPEG compression at quality 8 to 90.
        occlude: Probability of a hand, an object, a bar or a medical mask over the picture, labelled
            background.
        paste: Probability of a hat, glasses, a necklace or an earring from another portrait; see
            `faceparse.train.paste`.
        scene: Probability of setting a portrait into a wider synthetic scene first; see
            `faceparse.train.scenes`.
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
                "augmentation.blur and augmentation.shrink must add up to 1 at most, because a sample gets one of them; "
                f"got {self.blur} and {self.shrink}"
            )
        if self.scale[0] > self.scale[1]:
            raise ConfigError(f"augmentation.scale is [smallest zoom, largest zoom]; got {list(self.scale)}")


class TrainingSample(NamedTuple):
    """One random sample of a labelled picture, as the network's input.

    Attributes:
        image: RGB uint8, height × width × 3.
        labels: uint8, height × width; 255 is ignore.
        landmarks: float64, 5 × 2: x and y in pixels of `image`, image-left first; None if the picture has
            none.
        clean: The image before occlusion and degradation, for a teacher.
        genuine: bool, height × width: where the image shows the original picture, not its outside and nothing
            drawn or pasted.
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
    """Return one random training sample: the picture and its labels, transformed, degraded and resized to `size`.

    Args:
        image: RGB uint8, H × W × 3.
        labels: uint8, H × W, in `scheme`.
        size: Side of the sample, or its height and width, in pixels.
        how: Ranges and probabilities.
        scheme: Scheme of the labels; it says which labels mirroring swaps.
        rng: Source of all randomness.
        landmarks: Five points of the face, 5 × 2 (`faceparse.data.landmarks.five_points`), transformed with
            the image; `scene` does not support them.
        donors: Portraits to paste from.
    """
    genuine: NDArray[np.uint8] = np.full(labels.shape, 255, np.uint8)
    if rng.random() < how.paste and donors is not None:
        image, labels = image.copy(), labels.copy()
        genuine[donors.paste(image, labels, rng)] = 0
    if rng.random() < how.scene:
        image, labels = scene(image, labels, scheme, rng)
        genuine = np.asarray(cv2.resize(genuine, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), np.uint8)
        if len(labels) > SIDE:
            genuine = np.zeros(labels.shape, np.uint8)  # teachers were not trained on such scenes
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
    """Return a picture as a worse camera, screen or network connection would show it."""
    dark, noise, gamma = rng.random(3) < (how.dark, how.noise, how.gamma)
    # Low light and noise are computed in floats: a sensor adds noise before rounding.
    pixels: degrade.Pixels = image.astype(np.float32) if dark or noise else image
    light = float(rng.uniform(0.1, 0.5)) if dark else None
    pixels = degrade.coloured(pixels, how.colour, how.hue, how.gray, light, rng)
    if gamma:
        curve = 255 * (np.arange(256) / 255) ** math.exp(rng.uniform(-0.7, 0.7))
        pixels = curve.astype(pixels.dtype)[np.clip(pixels, 0, 255).astype(np.uint8)]
    fault = rng.random()  # blur or shrink, not both: together the strongest leave nothing to learn
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
    """Return a random 3 × 3 matrix from points of the picture to points of the sample; `target` is (width, height)."""
    height, width = shape
    usual, rare = how.rotate if isinstance(how.rotate, tuple) else (how.rotate, how.rotate)
    most = rare if rng.random() < RARE else usual
    angle = math.radians(rng.uniform(-most, most))
    zoom = degrade.log_uniform(rng, *how.scale)
    wider = math.exp(rng.uniform(-1, 1) * math.log(how.aspect) / 2)
    room = max(zoom - 1, 0) / 2 if how.crop else how.shift
    shift = rng.uniform(-room, room, 2) * target
    # In continuous coordinates: squeeze to the sample, rotate and zoom about its centre, shift.
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
    """Warp image, labels and mask into the sample; fill the outside with `colour` or, if None, the mirrored image."""
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
