"""How your own tests use faceparse without a network: the fake engine answers what you tell it to."""

import numpy as np

from faceparse import Parser
from faceparse.engines import FakeEngine
from faceparse.weights import card


def all_hair(image: np.ndarray) -> np.ndarray:
    """Logits (B, 19, H / 8, W / 8) that say hair everywhere."""
    logits = np.zeros((len(image), 19, image.shape[2] // 8, image.shape[3] // 8), np.float32)
    logits[:, 17] = 9
    return logits


parser = Parser(FakeEngine(card("bisenet-resnet18-zllrunning"), all_hair), faces="whole")
parsing = parser.parse(np.zeros((64, 48, 3), np.uint8))
assert parsing.mask("hair").all()
print(parsing)
