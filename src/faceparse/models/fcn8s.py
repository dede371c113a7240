"""FCN-8s for faces: it labels the visible face, without hands and hair in front of it.

Nirkin et al., https://arxiv.org/abs/1704.06729, with the network of Long et al.,
https://arxiv.org/abs/1411.4038. Published weights: YuvalNirkin/face_segmentation (Caffe) and
andres-fr/face_segmentation_pytorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VGG16_Weights

from faceparse.models.backbones.imagenet import imagenet, load_checkpoint_into
from faceparse.models.registry import Entry, Network, register
from faceparse.weights.card import Grid
from faceparse.weights.importers.vgg16 import TORCHVISION_VGG16

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_WIDE = 4096
_PADDING = 100
"""Pixels of padding around the input: fc6's unpadded 7 × 7 convolution then cuts off padding, not picture."""

_SMALLEST = 26
"""Least side of an input for which fc6 has an output; smaller inputs are padded to this side."""

_CROP4, _CROP3, _CROP_INPUT = 5, 9, 31
"""Row and column at which the crop of each upsampled map starts, so that the crop matches the finer map."""


class _Scale(nn.Module):
    """A layer that multiplies each channel by a fixed factor."""

    def __init__(self, width: int, factor: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), factor), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]


class _Upscore(nn.ConvTranspose2d):
    """Upsampling that is bilinear, unless a checkpoint has another kernel; fixed in training."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__(width, width, 2 * stride, stride, bias=False)
        self.weight.requires_grad_(False)
        centre = stride - 0.5
        ramp = 1 - (torch.arange(2 * stride) - centre).abs() / stride
        kernel = torch.eye(width)[:, :, None, None] * (ramp[:, None] * ramp)
        with torch.no_grad():
            self.weight.copy_(kernel)


class FCN8s(Network):
    """FCN-8s with a VGG-16 backbone and logits at the input's size.

    >>> import torch
    >>> network = FCN8s(21)
    >>> network.face_probability(torch.zeros(1, 3, 64, 96)).shape
    torch.Size([1, 64, 96])

    The input is BGR, 0 to 255, minus (104.00699, 116.66877, 122.67892), of any size; the published weights
    are for faces in pictures of 400 to 500 px.

    Args:
        num_classes: Number of classes, the channels of the logits; class 0 is background, all others are
            face.
    """

    grid = Grid(stride=1, align_corners=False)
    pretrained = imagenet(VGG16_Weights.IMAGENET1K_V1)

    def __init__(self, num_classes: int = 21) -> None:
        super().__init__()
        for number, widths in enumerate(_BLOCKS, 1):
            inputs = 3 if number == 1 else _BLOCKS[number - 2][-1]
            for index, (a, b) in enumerate(pairwise((inputs, *widths)), 1):
                self.add_module(f"conv{number}_{index}", nn.Conv2d(a, b, 3, padding=1))
        self.fc6 = nn.Conv2d(_BLOCKS[4][-1], _WIDE, 7)
        self.fc7 = nn.Conv2d(_WIDE, _WIDE, 1)
        self.drop = nn.Dropout(0.5)
        self.score_fr = nn.Conv2d(_WIDE, num_classes, 1)
        self.upscore2 = _Upscore(num_classes, 2)
        self.scale_pool4 = _Scale(_BLOCKS[3][-1], 0.01)
        self.score_pool4 = nn.Conv2d(_BLOCKS[3][-1], num_classes, 1)
        self.upscore_pool4 = _Upscore(num_classes, 2)
        self.scale_pool3 = _Scale(_BLOCKS[2][-1], 0.0001)
        self.score_pool3 = nn.Conv2d(_BLOCKS[2][-1], num_classes, 1)
        self.upscore8 = _Upscore(num_classes, 8)

    def _pools(self, image: Tensor) -> Iterator[Tensor]:
        """Yield the feature maps after each pooling, at strides 2, 4, 8, 16, 32 of the padded input."""
        height, width = image.shape[-2:]
        margin = _PADDING - 1  # conv1_1 pads one more pixel
        right, below = max(_SMALLEST - width, 0), max(_SMALLEST - height, 0)
        x = F.pad(image, (margin, margin + right, margin, margin + below))
        for number, widths in enumerate(_BLOCKS, 1):
            for index in range(1, len(widths) + 1):
                x = F.relu(self.get_submodule(f"conv{number}_{index}")(x))
            x = F.max_pool2d(x, 2)
            yield x

    def grid_logits(self, image: Tensor) -> Tensor:
        _, _, pool3, pool4, pool5 = self._pools(image)
        x = self.drop(F.relu(self.fc6(pool5)))
        x = self.drop(F.relu(self.fc7(x)))
        x = self.upscore2(self.score_fr(x))
        x = x + _crop(self.score_pool4(self.scale_pool4(pool4)), _CROP4, x)
        x = self.upscore_pool4(x)
        x = x + _crop(self.score_pool3(self.scale_pool3(pool3)), _CROP3, x)
        return _crop(self.upscore8(x), _CROP_INPUT, image)

    def forward(self, image: Tensor) -> Tensor:
        return self.grid_logits(image)

    def face_probability(self, image: Tensor) -> Tensor:
        """Return the probability that a pixel is face, float (B, H, W), 0 to 1.

        The probability is the softmax over two logits: background's, and the highest of the others. The
        published mask is where it is above 0.5.
        """
        logits: Tensor = self(image)
        return (logits[:, 1:].amax(1) - logits[:, 0]).sigmoid()

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Load torchvision's VGG-16, or an FCN-8s with any number of classes, into all but the score layers.

        Raises:
            WeightsError: keys or shapes of another network.
        """
        torchvision = "classifier.0.weight" in state
        net = self.state_dict()
        backbone = {k for k in net if k.startswith(("conv", "fc"))}
        renamed = TORCHVISION_VGG16(state) if torchvision else state
        loaded = {k: v for k, v in renamed.items() if k in backbone}
        # VGG-16's fc6 is a matrix over a flattened feature map of 7 × 7.
        loaded = {k: v.reshape_as(net[k]) if v.numel() == net[k].numel() else v for k, v in loaded.items()}
        rest = {k: v for k, v in net.items() if k not in backbone}
        load_checkpoint_into(self, {**rest, **loaded}, "torchvision's VGG-16 checkpoint or an FCN-8s")


def _crop(x: Tensor, offset: int, like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    return x[..., offset : offset + height, offset : offset + width]


# The published files and this network name the tensors as the Caffe layers are named.
register(Entry("fcn8s", FCN8s, "voc21-face"))
