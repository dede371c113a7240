"""The engine that an export is compared with: it runs the exported network or ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from faceparse.engines import Engine, image_of, logits_for
from faceparse.engines.onnx import OnnxEngine
from faceparse.export.parity import Labels
from faceparse.models import Network
from faceparse.parser import Parser
from faceparse.weights import Card


def reference_engine(origin: Network | Path, card: Card) -> Engine:
    """Make the engine of a network or of an ONNX file."""
    return OnnxEngine(origin, card) if isinstance(origin, Path) else NetworkEngine(origin, card)


class NetworkEngine:
    """An engine that runs a network on the CPU, unchanged.

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


def whole_labels(engine: Engine) -> Labels:
    """Return a function from a picture to labels, which parses the whole picture with an engine."""
    parser = Parser(engine, faces="whole", scheme=None)
    return lambda picture: parser.parse(picture).labels
