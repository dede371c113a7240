"""A network in memory as an engine, the reference for an export."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from faceparse.engines import image_of, logits_for
from faceparse.models import Network
from faceparse.weights import Card


class NetworkEngine:
    """Runs a network on the CPU, unchanged.

    >>> NetworkEngine(network, card).run({"image": image})["logits"]  # doctest: +SKIP
    """

    description = "torch cpu fp32"

    def __init__(self, network: Network, card: Card) -> None:
        self.card = card
        self._network = network

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Engine.run`."""
        image = image_of(inputs)
        with torch.inference_mode():
            logits = self._network.grid_logits(torch.tensor(image))
        return {"logits": logits_for(image, np.ascontiguousarray(logits.numpy()), self.card)}
