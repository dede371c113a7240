"""A fake engine for tests of programs that use faceparse: it needs no model and no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from faceparse.engines.engine import image_of, logits_for
from faceparse.weights.card import Card

Logits = NDArray[np.float32]


class FakeEngine:
    """An engine that returns fixed logits.

    >>> import numpy as np
    >>> from faceparse.weights import card
    >>> labels = np.zeros((4, 4), int)
    >>> labels[1:3, 1:3] = 17  # hair, in celebamask19
    >>> engine = FakeEngine(card("bisenet-resnet18-zllrunning"), np.eye(19)[labels].transpose(2, 0, 1))
    >>> image = np.zeros((2, 3, 512, 512), np.float32)
    >>> engine.run({"image": image})["logits"].shape
    (2, 19, 4, 4)

    Args:
        card: Any card; its scheme sets the number of classes.
        logits: Logits (classes, h, w) for every picture of a batch, or a function from the normalised image
            (B, 3, H, W) to logits (B, classes, h, w). None for background everywhere, at the card's stride.

    Raises:
        EngineError: from `run`, if the logits do not match the card.
    """

    description = "fake"

    def __init__(
        self, card: Card, logits: NDArray[np.floating] | Callable[[Logits], Logits] | None = None
    ) -> None:
        self.card = card
        self._logits = self._background if logits is None else logits

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Engine.run`."""
        image = image_of(inputs)
        values = self._logits(image) if callable(self._logits) else self._logits
        logits = np.array(values, np.float32)
        if not callable(self._logits):
            logits = np.repeat(logits[None], len(image), axis=0)
        return {"logits": logits_for(image, logits, self.card)}

    def _background(self, image: Logits) -> Logits:
        stride = self.card.output.stride
        height, width = (max(side // stride, 1) for side in image.shape[2:])
        logits = np.zeros((len(image), len(self.card.label_scheme), height, width), np.float32)
        logits[:, 0] = 1
        return logits
