"""The interface of all engines: named arrays in, named arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import EngineError
from faceparse.weights.card import Card


@runtime_checkable
class Engine(Protocol):
    """An engine, which runs one network. Thread-safe; the same input gives the same logits.

    >>> from faceparse.engines import open_engine
    >>> engine = open_engine("default")  # doctest: +SKIP
    >>> image = engine.card.input(picture)  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"].shape  # doctest: +SKIP
    (1, 19, 80, 80)
    """

    @property
    def card(self) -> Card:
        """Card of the network: scheme, preprocessing, position of the logits on the input."""
        ...

    @property
    def description(self) -> str:
        """Engine, computing device and precision, such as `onnx cpu fp32`."""
        ...

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Args:
            inputs: `image`: float32 (B, 3, H, W), normalised by the card's `input`.

        Returns:
            `logits`: float32 (B, classes, h, w) at the network's own resolution, before any upsampling.

        Raises:
            EngineError: another name, shape or type, or a size that the model does not support.
        """
        ...


def image_of(inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the `image` of an engine's inputs after checking it; for authors of engines.

    Raises:
        EngineError: as in `Engine.run`.
    """
    if set(inputs) != {"image"}:
        raise EngineError(f"an engine's input is named 'image'; got {', '.join(sorted(inputs)) or 'none'}")
    image = inputs["image"]
    if image.dtype != np.float32 or image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape:
        raise EngineError(f"'image' is float32 (batch, 3, height, width); got {image.dtype} {image.shape}")
    return image


def logits_for(image: NDArray[np.float32], logits: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Return the logits after checking them against the image and the card; for authors of engines.

    Raises:
        EngineError: the network's output does not match its card, or is empty because the image is too small;
            or the card does not allow the image's size.
    """
    if any(side % card.input.multiple for side in image.shape[2:]):
        raise EngineError(
            f"{card.id} takes pictures whose sides are multiples of {card.input.multiple}; "
            f"got {image.shape[2]} × {image.shape[3]}"
        )
    classes = len(card.label_scheme)
    if logits.ndim != 4 or logits.shape[:2] != (len(image), classes) or logits.dtype != np.float32:
        raise EngineError(
            f"card {card.id} (scheme {card.label_scheme.name}) expects float32 logits of shape "
            f"({len(image)}, {classes}, h, w); the network gave {logits.dtype} of {logits.shape}: "
            "give the card of this network"
        )
    if 0 in logits.shape:
        raise EngineError(f"pictures of {image.shape[2]} × {image.shape[3]} are too small for {card.id}")
    return logits
