"""How near an engine comes to the network that it was made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from faceparse.models import Network
from faceparse.runtime.engines import Engine
from faceparse.weights import Card

LEAST_EQUAL = 0.999
"""Share of pixels that must get the same label."""

SEED = 0


@dataclass(frozen=True)
class Parity:
    """Agreement of an engine with its network.

    Attributes:
        equal: Share of pixels, 0 to 1, whose label is the same once logits are brought to the input's size.
        difference: Largest absolute difference of any logit.
        inputs: Shapes (B, 3, H, W) that were compared.
    """

    equal: float
    difference: float
    inputs: tuple[tuple[int, ...], ...]

    @property
    def holds(self) -> bool:
        """Whether `LEAST_EQUAL` is reached."""
        return self.equal >= LEAST_EQUAL

    def __str__(self) -> str:
        sizes = ", ".join("×".join(map(str, shape)) for shape in self.inputs)
        return f"{100 * self.equal:.3f} % equal pixels, largest difference {self.difference:.1e} ({sizes})"


def compare(network: Network, engine: Engine, images: Iterable[NDArray[np.float32]] | None = None) -> Parity:
    """Run the network and the engine on the same inputs.

    Args:
        network: In eval mode, on the CPU.
        engine: Made from it.
        images: Normalised float32 (B, 3, H, W); left out: a seeded picture at the card's size, and two at
            another size and shape where the network takes any.
    """
    equal = total = 0
    difference = 0.0
    shapes = []
    for image in images if images is not None else trial_inputs(engine.card, any_size=network.any_size):
        with torch.inference_mode():
            ours = network.grid_logits(torch.from_numpy(image))
        theirs = torch.from_numpy(engine.run({"image": image})["logits"])
        difference = max(difference, float((ours - theirs).abs().max()))
        labels = [_labels(x, image.shape[2:], engine.card) for x in (ours, theirs)]
        equal += int((labels[0] == labels[1]).sum())
        total += labels[0].numel()
        shapes.append(image.shape)
    return Parity(equal / max(total, 1), difference, tuple(shapes))


def _labels(logits: torch.Tensor, size: tuple[int, ...], card: Card) -> torch.Tensor:
    full = F.interpolate(logits, size=size, mode="bilinear", align_corners=card.output.align_corners)
    return full.argmax(1)


def trial_inputs(card: Card, seed: int = SEED, *, any_size: bool = True) -> list[NDArray[np.float32]]:
    """Normalised pictures to compare on: one at the card's size, two at another size and shape if `any_size`.

    They are drawn from the seed: a portrait in outline over smooth colour noise, so that networks
    trained on faces have something to label.
    """
    rng = np.random.default_rng(seed)
    height, width = card.input.size
    # Multiples of 32, so that networks with strict sizes take them.
    other = (_multiple(0.75 * height), _multiple(0.5 * width)) if any_size else (height, width)
    batches = [[_portrait(rng, height, width)], [_portrait(rng, *other), _noise(rng, *other)]]
    return [np.concatenate([card.input.normalise(p) for p in batch]) for batch in batches]


def _multiple(side: float) -> int:
    return max(64, 32 * round(side / 32))


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return _grainy(smooth, 8, rng)


def _portrait(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    image = Image.fromarray(_noise(rng, height, width))
    pen = ImageDraw.Draw(image)

    def ellipse(x: float, y: float, across: float, down: float, colour: tuple[int, int, int]) -> None:
        box = ((x - across) * width, (y - down) * height, (x + across) * width, (y + down) * height)
        pen.ellipse(box, fill=colour)

    skin, hair, red = (205, 160, 135), (60, 40, 30), (170, 70, 75)
    ellipse(0.5, 0.45, 0.36, 0.42, hair)
    ellipse(0.5, 1.1, 0.5, 0.25, (40, 60, 120))
    ellipse(0.5, 0.85, 0.14, 0.2, (190, 145, 120))
    ellipse(0.5, 0.53, 0.27, 0.34, skin)
    for side in (-1, 1):
        ellipse(0.5 + 0.12 * side, 0.40, 0.07, 0.012, hair)
        ellipse(0.5 + 0.12 * side, 0.47, 0.055, 0.025, (240, 240, 240))
        ellipse(0.5 + 0.12 * side, 0.47, 0.02, 0.024, (50, 60, 70))
    ellipse(0.5, 0.59, 0.035, 0.06, (190, 140, 115))
    ellipse(0.5, 0.73, 0.1, 0.03, red)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(max(height, width) / 200)), np.int16)
    return _grainy(soft, 6, rng)


def _grainy(smooth: NDArray[np.int16], grain: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    noisy: NDArray[np.int64] = smooth + rng.integers(-grain, grain + 1, smooth.shape)
    return noisy.clip(0, 255).astype(np.uint8)
