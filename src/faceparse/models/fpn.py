"""The default model's network: an EfficientNet-Lite0 backbone with a light feature pyramid.

The backbone is timm's `efficientnet_lite0` (Tan & Le, https://arxiv.org/abs/1905.11946; Lite: no
squeeze-and-excitation, ReLU6). The decoder is a feature pyramid (Lin et al.,
https://arxiv.org/abs/1612.03144) with depthwise-separable smoothing. The network has no operator that phones
reject, such as global pooling or resizing with aligned corners.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch.nn.functional as F
from torch import Tensor, nn

from faceparse.models.backbones.imagenet import load_checkpoint_into
from faceparse.models.registry import Entry, Network, register
from faceparse.weights.card import Grid


def _separable(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class FPN(Network):
    """A feature pyramid network on strides 4, 8, 16, 32, with logits at stride 4.

    >>> import torch
    >>> FPN(19)(torch.zeros(1, 3, 64, 96)).shape
    torch.Size([1, 19, 64, 96])

    Args:
        num_classes: Number of classes, the channels of the logits.
        backbone: Name of a timm model with feature maps at these four strides.
        width: Number of channels of the pyramid.
    """

    grid = Grid(stride=4, align_corners=False)

    def __init__(self, num_classes: int = 19, backbone: str = "efficientnet_lite0", width: int = 128) -> None:
        super().__init__()
        self.trunk = timm.create_model(
            backbone, features_only=True, pretrained=False, out_indices=(1, 2, 3, 4)
        )
        info: Any = self.trunk.feature_info
        channels = info.channels()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1, bias=False) for c in channels)
        self.smooth = nn.ModuleList(_separable(width) for _ in channels)
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, num_classes, 1),
        )

    def grid_logits(self, image: Tensor) -> Tensor:
        finer: Tensor | None = None
        for feature, lateral, smooth in reversed(
            list(zip(self.trunk(image), self.lateral, self.smooth, strict=True))
        ):
            x = lateral(feature)
            if finer is not None:
                x = x + F.interpolate(finer, size=x.shape[-2:], mode="bilinear")
            finer = smooth(x)
        logits: Tensor = self.head(finer)
        return logits

    def forward(self, image: Tensor) -> Tensor:
        return F.interpolate(self.grid_logits(image), size=image.shape[-2:], mode="bilinear")

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Load an ImageNet checkpoint into the backbone, tensor by tensor in order.

        The ImageNet weights ported from TensorFlow have other tensor names, but list the tensors in
        timm's order, classifier last.

        Raises:
            WeightsError: too few tensors, or a tensor whose shape differs from the backbone's.
        """
        backbone_state = dict(zip(self.trunk.state_dict(), state.values(), strict=False))
        load_checkpoint_into(self.trunk, backbone_state, "timm's efficientnet_lite0 checkpoint")


register(Entry("fpn-efficientnet_lite0", FPN, "celebamask19"))
