"""BiSeNet for faces, with a ResNet-18 or ResNet-34 backbone.

Yu et al., https://arxiv.org/abs/1808.00897, in the variant that face parsing uses: the backbone's feature map
at stride 8 replaces the spatial path. Published weights: yakhyo/face-parsing and
zllrunning/face-parsing.PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import ResNet18_Weights, ResNet34_Weights, resnet18, resnet34

from faceparse.models.backbones.imagenet import imagenet, load_checkpoint_into
from faceparse.models.registry import Entry, Network, register
from faceparse.weights.card import Grid
from faceparse.weights.importers.yakhyo import YAKHYO
from faceparse.weights.importers.zllrunning import ZLLRUNNING

_BACKBONES = {
    "resnet18": (resnet18, ResNet18_Weights.IMAGENET1K_V1),
    "resnet34": (resnet34, ResNet34_Weights.IMAGENET1K_V1),
}


class _ConvNormReLU(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class _ConvNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(self.conv(x))
        return result


class _Refine(nn.Module):
    """Attention refinement: a convolution, weighted per channel by its global average."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.block = _ConvNormReLU(inputs, width, 3)
        self.gate = _ConvNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(x)
        gate: Tensor = self.gate(_average(x))
        return x * gate.sigmoid()


class _Fuse(nn.Module):
    """Feature fusion: concatenate and mix two feature maps, then add the mix weighted per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = _ConvNormReLU(width, width, 1)
        self.squeeze = nn.Conv2d(width, width // 4, 1, bias=False)
        self.excite = nn.Conv2d(width // 4, width, 1, bias=False)

    def forward(self, fine: Tensor, context: Tensor) -> Tensor:
        x: Tensor = self.block(torch.cat([fine, context], 1))
        gate: Tensor = self.excite(F.relu(self.squeeze(_average(x)))).sigmoid()
        return x * gate + x


class _Head(nn.Module):
    def __init__(self, inputs: int, width: int, classes: int) -> None:
        super().__init__()
        self.block = _ConvNormReLU(inputs, width, 3)
        self.classify = nn.Conv2d(width, classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.block(x))
        return logits


def _average(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _nearest(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")


class BiSeNet(Network):
    """BiSeNet, with logits at stride 8 that are resized to the input's size with aligned corners.

    >>> import torch
    >>> BiSeNet(19)(torch.zeros(2, 3, 64, 96)).shape
    torch.Size([2, 19, 64, 96])

    The input is RGB, 0 to 1, normalised by ImageNet's mean and standard deviation, of any size.

    Args:
        num_classes: Number of classes, the channels of the logits.
        backbone: `resnet18` or `resnet34` of torchvision, with random weights.
    """

    grid = Grid(stride=8, align_corners=True)

    def __init__(self, num_classes: int = 19, backbone: str = "resnet18") -> None:
        super().__init__()
        make, weights = _BACKBONES[backbone]
        self.pretrained = imagenet(weights)
        self.trunk = make(weights=None)
        del self.trunk.fc, self.trunk.avgpool
        self.context = _ConvNormReLU(512, 128, 1)
        self.refine16 = _Refine(256, 128)
        self.refine32 = _Refine(512, 128)
        self.smooth16 = _ConvNormReLU(128, 128, 3)
        self.smooth32 = _ConvNormReLU(128, 128, 3)
        self.fuse = _Fuse(256)
        self.head = _Head(256, 256, num_classes)
        self.head16 = _Head(128, 64, num_classes)
        self.head32 = _Head(128, 64, num_classes)

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        backbone = self.trunk
        x = backbone.maxpool(backbone.relu(backbone.bn1(backbone.conv1(image))))
        fine = backbone.layer2(backbone.layer1(x))
        at16 = backbone.layer3(fine)
        at32 = backbone.layer4(at16)
        # The global context is the same in every cell, so adding it needs no upsampling.
        coarse = self.refine32(at32) + self.context(_average(at32))
        context16 = self.smooth32(_nearest(coarse, at16))
        context8 = self.smooth16(_nearest(self.refine16(at16) + context16, fine))
        return self.fuse(fine, context8), context8, context16

    def _upsample(self, logits: Tensor, image: Tensor) -> Tensor:
        return F.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=True)

    def grid_logits(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self._features(image)[0])
        return logits

    def forward(self, image: Tensor) -> Tensor:
        return self._upsample(self.grid_logits(image), image)

    def training_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the main logits and the logits of two auxiliary heads, at strides 8 and 16 of the context path."""
        heads = (self.head, self.head16, self.head32)
        maps = zip(heads, self._features(image), strict=True)
        return tuple(self._upsample(head(x), image) for head, x in maps)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Load torchvision's ImageNet checkpoint of the same ResNet into the backbone.

        Raises:
            WeightsError: keys or shapes of another network.
        """
        layers = {k: v for k, v in state.items() if not k.startswith("fc.")}
        load_checkpoint_into(self.trunk, layers, "torchvision's ResNet checkpoint")


for _name, _backbone, _published in (
    ("bisenet-resnet18", "resnet18", YAKHYO),
    ("bisenet-resnet34", "resnet34", YAKHYO),
    ("bisenet-zllrunning", "resnet18", ZLLRUNNING),
):
    register(Entry(_name, partial(BiSeNet, backbone=_backbone), "celebamask19", _published))
