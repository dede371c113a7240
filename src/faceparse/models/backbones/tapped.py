"""torchvision's classifiers as backbones that return their feature maps at strides 4 to 32.

>>> import torch
>>> backbone = make_backbone("mobilenet")
>>> [tuple(x.shape[1:]) for x in backbone(torch.zeros(1, 3, 64, 64))]  # height, width, channels
[(16, 16, 24), (8, 8, 40), (4, 4, 112), (2, 2, 960)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torchvision import models as zoo
from torchvision.models._api import WeightsEnum
from torchvision.models.mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large

from faceparse.models.backbones.imagenet import load_checkpoint_into
from faceparse.models.backbones.swin import replace_attention


@dataclass(frozen=True)
class Classifier:
    """A classifier of torchvision, as a backbone.

    Attributes:
        make: Function that builds the classifier; `weights=None` gives random weights.
        taps: Positions of the layers whose outputs the backbone returns, finest first.
        widths: Numbers of channels of these outputs.
        channels_last: Whether the layers return (B, H, W, C).
        any_size: Whether a graph traced at one input size works for other sizes.
        layers: Names of the classifier's children that are the backbone's layers, in order; empty: the
            children of `features`.
        weights: The published ImageNet weights, or None.
    """

    make: Callable[..., Any]
    taps: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    channels_last: bool = False
    any_size: bool = True
    layers: tuple[str, ...] = ()
    weights: WeightsEnum | None = None


def _four_stages(
    make: Callable[..., Any], weights: WeightsEnum, width: int, *, swin: bool = False
) -> Classifier:
    widths = (width, 2 * width, 4 * width, 8 * width)
    return Classifier(make, (1, 3, 5, 7), widths, channels_last=swin, any_size=not swin, weights=weights)


CLASSIFIERS: dict[str, Classifier] = {
    "swin_base": _four_stages(zoo.swin_b, zoo.Swin_B_Weights.IMAGENET1K_V1, 128, swin=True),
    "swinv2_base": _four_stages(zoo.swin_v2_b, zoo.Swin_V2_B_Weights.IMAGENET1K_V1, 128, swin=True),
    "swinv2_small": _four_stages(zoo.swin_v2_s, zoo.Swin_V2_S_Weights.IMAGENET1K_V1, 96, swin=True),
    "swinv2_tiny": _four_stages(zoo.swin_v2_t, zoo.Swin_V2_T_Weights.IMAGENET1K_V1, 96, swin=True),
    "convnext_base": _four_stages(zoo.convnext_base, zoo.ConvNeXt_Base_Weights.IMAGENET1K_V1, 128),
    "convnext_small": _four_stages(zoo.convnext_small, zoo.ConvNeXt_Small_Weights.IMAGENET1K_V1, 96),
    "convnext_tiny": _four_stages(zoo.convnext_tiny, zoo.ConvNeXt_Tiny_Weights.IMAGENET1K_V1, 96),
    "resnet": Classifier(
        zoo.resnet101,
        (4, 5, 6, 7),
        (256, 512, 1024, 2048),
        layers=("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"),
        weights=zoo.ResNet101_Weights.IMAGENET1K_V1,
    ),
    "mobilenet": Classifier(
        mobilenet_v3_large,
        (3, 6, 12, 16),
        (24, 40, 112, 960),
        weights=MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    ),
    "efficientnet": Classifier(
        zoo.efficientnet_v2_m,
        (2, 3, 5, 8),
        (48, 80, 176, 1280),
        weights=zoo.EfficientNet_V2_M_Weights.IMAGENET1K_V1,
    ),
}


class FeatureExtractor(nn.Sequential):
    """The layers of a classifier, which return the feature maps at the taps, channels last.

    Attributes:
        kind: The classifier.
    """

    def __init__(self, kind: Classifier) -> None:
        classifier = kind.make(weights=None)
        layers = [getattr(classifier, name) for name in kind.layers] or list(classifier.features)
        super().__init__(*layers)
        self.kind = kind
        replace_attention(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute feature maps (B, h, w, C), finest first, of normalised pictures (B, 3, H, W)."""
        maps = []
        x = image
        for position, layer in enumerate(self):
            x = layer(x)
            if position in self.kind.taps:
                maps.append(x if self.kind.channels_last else x.permute(0, 2, 3, 1))
        return maps

    def load_classifier(self, state: Mapping[str, Tensor]) -> None:
        """Load torchvision's checkpoint of the whole classifier.

        Raises:
            WeightsError: keys or shapes of another classifier.
        """
        names = self.kind.layers or ("features",)
        layers = {}
        for key, value in state.items():
            head, _, rest = key.partition(".")
            if head in names:
                layers[f"{names.index(head)}.{rest}" if self.kind.layers else rest] = value
        load_checkpoint_into(self, layers, f"torchvision's {self.kind.make.__name__} checkpoint")


def make_backbone(name: str) -> FeatureExtractor:
    """Build the backbone `name`, a key of `CLASSIFIERS`, with random weights."""
    return FeatureExtractor(CLASSIFIERS[name])
