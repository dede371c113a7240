"""torchvision's VGG-16, trained on ImageNet, as the backbone of FCN-8s."""

from __future__ import annotations

from faceparse.weights.importers.renaming import Renaming

_LAYERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
_NAMES = tuple(f"conv{b}_{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1))

TORCHVISION_VGG16 = Renaming(
    {
        **{f"features.{layer}.": f"{name}." for layer, name in zip(_LAYERS, _NAMES, strict=True)},
        "classifier.0.": "fc6.",
        "classifier.3.": "fc7.",
    },
    unused=("classifier.6.",),
)
