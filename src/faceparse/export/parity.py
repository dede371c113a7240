"""Comparison of an exported file with its network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from faceparse.engines import Engine
from faceparse.weights import Card

LEAST_EQUAL: Mapping[str, float] = {"fp32": 0.999, "fp16": 0.995, "int8": 0.95}
"""Precision → least fraction of pixels with the same label; a smaller fraction is a fault, not rounding."""

SEED = 0

_ELLIPSES = (
    (0.5, 0.45, 0.36, 0.42, (60, 40, 30)),  # hair
    (0.5, 1.1, 0.5, 0.25, (40, 60, 120)),  # cloth
    (0.5, 0.85, 0.14, 0.2, (190, 145, 120)),  # neck
    (0.5, 0.53, 0.27, 0.34, (205, 160, 135)),  # skin
    (0.38, 0.4, 0.07, 0.012, (60, 40, 30)),  # a brow, then an eye
    (0.38, 0.47, 0.055, 0.025, (240, 240, 240)),
    (0.38, 0.47, 0.02, 0.024, (50, 60, 70)),
    (0.62, 0.4, 0.07, 0.012, (60, 40, 30)),
    (0.62, 0.47, 0.055, 0.025, (240, 240, 240)),
    (0.62, 0.47, 0.02, 0.024, (50, 60, 70)),
    (0.5, 0.59, 0.035, 0.06, (190, 140, 115)),  # nose
    (0.5, 0.73, 0.1, 0.03, (170, 70, 75)),  # mouth
)
"""Parts of a synthetic portrait: centre x, y, half width, half height as fractions of the picture's sides; colour."""

Inputs = NDArray[np.float32]
Picture = NDArray[np.uint8]
Labels = Callable[[Picture], Picture]
"""Function from an RGB picture, H × W × 3, to its label map, H × W."""


@dataclass(frozen=True)
class Parity:
    """The agreement of an exported file with its network.

    Attributes:
        equal: Fraction of pixels with the same label, 0 to 1.
        difference: Largest absolute difference of a logit; None for a file that returns labels only.
        inputs: Shapes (B, 3, H, W) of the compared inputs.
        least: Least value of `equal` that is acceptable.
    """

    equal: float
    difference: float | None
    inputs: tuple[tuple[int, ...], ...]
    least: float = LEAST_EQUAL["fp32"]

    @property
    def holds(self) -> bool:
        """Whether `equal` is at least `least`."""
        return self.equal >= self.least

    def __str__(self) -> str:
        counts = Counter("×".join(map(str, shape)) for shape in self.inputs)
        sizes = ", ".join(f"{n} of {size}" if n > 1 else size for size, n in counts.items())
        largest = "" if self.difference is None else f", largest difference {self.difference:.1e}"
        return f"{100 * self.equal:.3f} % equal pixels{largest} ({sizes})"


def compare(
    reference: Engine,
    candidate: Engine,
    images: Iterable[Inputs] | None = None,
    least: float = LEAST_EQUAL["fp32"],
) -> Parity:
    """Run a network's engine and the engine of its export on the same inputs, and compare their logits.

    Logits are compared at the input's size, each resized as the engine's card says.

    Args:
        reference: The engine of the network, such as `NetworkEngine`.
        candidate: The engine of the exported file.
        images: Normalised inputs, float32 (B, 3, H, W); by default one synthetic picture at the card's input
            size, and two at another size and shape.
        least: Value of `Parity.least`.
    """
    equal = total = 0
    difference = 0.0
    shapes = []
    for image in images if images is not None else trial_inputs(candidate.card):
        expected, actual = _logits(reference, image), _logits(candidate, image)
        difference = max(difference, float((expected - actual).abs().max()))
        equal += int((expected.argmax(1) == actual.argmax(1)).sum())
        total += expected[:, 0].numel()
        shapes.append(image.shape)
    return Parity(equal / max(total, 1), difference, tuple(shapes), least)


def compare_labels(reference: Labels, candidate: Labels, pictures: Iterable[Picture], least: float) -> Parity:
    """Compare two functions from RGB pictures (H × W × 3) to labels (H × W)."""
    equal = total = 0
    shapes = []
    for picture in pictures:
        same = reference(picture) == candidate(picture)
        equal, total = equal + int(same.sum()), total + same.size
        shapes.append((1, 3, *picture.shape[:2]))
    return Parity(equal / max(total, 1), None, tuple(shapes), least)


def _logits(engine: Engine, image: Inputs) -> torch.Tensor:
    """Return an engine's logits at the input's size."""
    logits = torch.from_numpy(engine.run({"image": image})["logits"])
    corners = engine.card.output.align_corners
    return F.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=corners)


def trial_pictures(card: Card) -> list[Picture]:
    """Make RGB pictures to compare on: at the card's input size, smaller and upright, larger and wide."""
    rng = np.random.default_rng(SEED)
    height, width = card.input.size
    sizes = ((height, width), (height // 2 + 7, width // 3 + 16), (height + 100, 2 * width))
    return [_portrait(rng, *size) for size in sizes]


def trial_inputs(card: Card, *, any_size: bool = True) -> list[Inputs]:
    """Make normalised pictures to compare on: one at the card's input size, two at another size if `any_size`.

    The pictures depend on `SEED` only. They show a simple portrait on smooth colour noise, so that networks
    trained on faces label a face.
    """
    rng = np.random.default_rng(SEED)
    height, width = card.input.size
    # Odd sides show whether a graph pads and crops as the network does.
    extra = (5, -3) if card.input.multiple == 1 else (0, 0)
    other = height, width
    if any_size:
        other = _multiple(0.75 * height) + extra[0], _multiple(0.5 * width) + extra[1]
    batches = [[_portrait(rng, height, width)], [_portrait(rng, *other), _noise(rng, *other)]]
    return [np.concatenate([card.input.normalise(p) for p in batch]) for batch in batches]


def _multiple(side: float) -> int:
    return max(64, 32 * round(side / 32))


def _noise(rng: np.random.Generator, height: int, width: int) -> Picture:
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return _add_grain(smooth, 8, rng)


def _portrait(rng: np.random.Generator, height: int, width: int) -> Picture:
    image = Image.fromarray(_noise(rng, height, width))
    pen = ImageDraw.Draw(image)
    for x, y, across, down, colour in _ELLIPSES:
        box = ((x - across) * width, (y - down) * height, (x + across) * width, (y + down) * height)
        pen.ellipse(box, fill=colour)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(max(height, width) / 200)), np.int16)
    return _add_grain(soft, 6, rng)


def _add_grain(smooth: NDArray[np.int16], grain: int, rng: np.random.Generator) -> Picture:
    noisy: NDArray[np.int64] = smooth + rng.integers(-grain, grain + 1, smooth.shape)
    return noisy.clip(0, 255).astype(np.uint8)
