"""VGG19+DINOv3 checkpoints of github.com/jseobyun/FaceParsing: `last.ckpt`, and `decoder.ckpt` without DINOv3."""

from __future__ import annotations

from faceparse.weights.importers.dinov3 import SplitBias, dinov3_rules
from faceparse.weights.importers.renaming import Renaming

VGG19_DINOV3 = SplitBias({"encoder.cnn.layers.": "vgg.", **dinov3_rules("encoder.dinov3.", "dinov3.")})

TORCHVISION_VGG19 = Renaming(
    {"features.": "vgg."},
    unused=("classifier.", *(f"features.{layer}." for layer in range(40, 53))),  # the fifth block
)
