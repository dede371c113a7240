"""The network of jseobyun/FaceParsing: VGG19 and a frozen DINOv3 side by side, fused from coarse to fine.

DINOv3 (Siméoni et al., https://arxiv.org/abs/2508.10104) is timm's, with Meta's weights under Meta's licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VGG19_BN_Weights, vgg19_bn

from faceparse.errors import ImageError
from faceparse.labels import scheme
from faceparse.models.backbones.imagenet import imagenet, load_checkpoint_into
from faceparse.models.registry import Entry, Network, Part, register
from faceparse.weights.card import Grid
from faceparse.weights.importers.dinov3 import DINOV3
from faceparse.weights.importers.vgg19_dinov3 import TORCHVISION_VGG19, VGG19_DINOV3

PATCH = 16
_VGG_LAYERS = 39
"""Number of layers of torchvision's `features`, up to the fourth max-pool."""

_PERIODS = "dinov3.rope.periods"
_ROUNDING = 0.01
"""Relative difference that counts as rounding to bfloat16, which has eight bits of precision."""


class _ConvNormReLU(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Gate(nn.Module):
    """A feature map weighted per channel by its average."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # Only the convolution and the norm have weights.
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.attention(x)
        return x * gate


class _Fusion(nn.Module):
    """A mix of two feature maps of the same size, weighted per channel by the mix's average."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = _ConvNormReLU(2 * width, width, 1)
        self.fc1 = nn.Conv2d(width, width // 4, 1)
        self.fc2 = nn.Conv2d(width // 4, width, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        x: Tensor = self.conv(torch.cat([coarse, fine], 1))
        gate: Tensor = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()
        return x * gate


class _Separable(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.pointwise = nn.Conv2d(width, width, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.pointwise(self.depthwise(x))))


class _CoarseToFine(nn.Module):
    """A coarse feature map, resized to the size of a finer one and fused with it."""

    def __init__(self, coarse: int, width: int) -> None:
        super().__init__()
        self.coarse_conv = _ConvNormReLU(coarse, width, 3)
        self.fine_conv = _ConvNormReLU(width, width, 3)
        self.fusion = _Fusion(width)
        self.refine = nn.Sequential(_Separable(width), _Separable(width))

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        up = F.interpolate(self.coarse_conv(coarse), size=fine.shape[-2:], mode="bilinear")
        x: Tensor = self.refine(self.fusion(up, self.fine_conv(fine)))
        return x


class _Decoder(nn.Module):
    def __init__(self, tokens: int, num_classes: int) -> None:
        super().__init__()
        self.adapt_scale1 = _ConvNormReLU(64, 64, 1)
        self.adapt_scale2 = _ConvNormReLU(128, 128, 1)
        self.adapt_scale4 = _ConvNormReLU(256, 256, 1)
        self.adapt_scale8 = _ConvNormReLU(512, 256, 1)
        self.adapt_scale16 = _ConvNormReLU(tokens, 512, 1)
        self.arm16 = _Gate(512)
        self.ctf_16_8 = _CoarseToFine(512, 256)
        self.ctf_8_4 = _CoarseToFine(256, 256)
        self.ctf_4_2 = _CoarseToFine(256, 128)
        self.ctf_2_1 = _CoarseToFine(128, 64)
        self.ffm_8 = _Fusion(256)
        self.ffm_4 = _Fusion(256)
        self.ffm_2 = _Fusion(128)
        self.ffm_1 = _Fusion(64)
        self.aux_head_8 = nn.Conv2d(256, num_classes, 1)
        self.aux_head_4 = nn.Conv2d(256, num_classes, 1)
        self.aux_head_2 = nn.Conv2d(128, num_classes, 1)
        self.final_conv = nn.Sequential(
            _ConvNormReLU(64, 64, 3), nn.Dropout2d(0.1), nn.Conv2d(64, num_classes, 1)
        )

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Compute fused features at strides 1, 2, 4, 8 from the encoders' feature maps at strides 1, 2, 4, 8, 16."""
        at1, at2 = self.adapt_scale1(maps[0]), self.adapt_scale2(maps[1])
        at4, at8 = self.adapt_scale4(maps[2]), self.adapt_scale8(maps[3])
        coarse = self.arm16(self.adapt_scale16(maps[4]))
        fused8 = self.ffm_8(self.ctf_16_8(coarse, at8), at8)
        fused4 = self.ffm_4(self.ctf_8_4(fused8, at4), at4)
        fused2 = self.ffm_2(self.ctf_4_2(fused4, at2), at2)
        fused1 = self.ffm_1(self.ctf_2_1(fused2, at1), at1)
        return fused1, fused2, fused4, fused8


class VGG19DINOv3(Network):
    """VGG19-BN at strides 1 to 8 and frozen DINOv3 tokens at stride 16, with logits at the input's size.

    >>> import torch
    >>> VGG19DINOv3(11, "vit_base_patch16_dinov3_qkvb")(torch.zeros(2, 3, 64, 96)).shape
    torch.Size([2, 11, 64, 96])

    The input is RGB, 0 to 1, normalised by ImageNet's mean and standard deviation; its sides are multiples of
    16.

    Args:
        num_classes: Number of classes, the channels of the logits.
        vit: timm's name of the DINOv3, which ends in `_qkvb` because the published weights have biases for q
            and v.
    """

    grid = Grid(stride=1, align_corners=False)
    multiple = PATCH
    pretrained = imagenet(VGG19_BN_Weights.IMAGENET1K_V1)  # DINOv3 comes in its own file
    dinov3: Any

    def __init__(self, num_classes: int, vit: str) -> None:
        super().__init__()
        self.vgg = vgg19_bn(weights=None).features[:_VGG_LAYERS]
        self.dinov3 = timm.create_model(vit, pretrained=False, num_classes=0)
        self.dinov3.requires_grad_(False)
        # Meta's files hold the periods rounded to bfloat16, and decoders were trained with these values.
        rope = self.dinov3.rope
        rope.register_buffer("periods", rope.periods, persistent=True)
        self.decoder = _Decoder(self.dinov3.num_features, num_classes)

    def train(self, mode: bool = True) -> VGG19DINOv3:
        """Set the mode of all but DINOv3, which is frozen and stays in eval mode."""
        super().train(mode)
        self.dinov3.eval()
        return self

    def tokens(self, image: Tensor) -> Tensor:
        """Return DINOv3's normalised patch tokens, (B, H · W / 256, width), row by row.

        Raises:
            ImageError: a side that is not a multiple of 16.
        """
        height, width = image.shape[-2:]
        if height % PATCH or width % PATCH or not height * width:
            raise ImageError(
                f"VGG19+DINOv3 takes pictures whose sides are multiples of {PATCH}, got {height} × {width}: "
                "resize or pad them"
            )
        with torch.no_grad():
            tokens: Tensor = self.dinov3.forward_features(image)
        return tokens[:, self.dinov3.num_prefix_tokens :]

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        tokens = self.tokens(image)
        maps = []
        x = image
        for layer in self.vgg:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
            x = layer(x)
        batch, _, height, width = image.shape
        coarse = tokens.mT.reshape(batch, -1, height // PATCH, width // PATCH)
        features: tuple[Tensor, Tensor, Tensor, Tensor] = self.decoder((*maps, x, coarse))
        return features

    def grid_logits(self, image: Tensor) -> Tensor:
        logits: Tensor = self.decoder.final_conv(self._features(image)[0])
        return logits

    def forward(self, image: Tensor) -> Tensor:
        return self.grid_logits(image)

    def training_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the main logits and the logits of the auxiliary heads at strides 8, 4 and 2."""
        decoder = self.decoder
        fused1, fused2, fused4, fused8 = self._features(image)
        heads = ((decoder.aux_head_8, fused8), (decoder.aux_head_4, fused4), (decoder.aux_head_2, fused2))
        auxiliary = (F.interpolate(h(x), size=image.shape[-2:], mode="bilinear") for h, x in heads)
        return (decoder.final_conv(fused1), *auxiliary)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Load Meta's file into DINOv3, or torchvision's ImageNet checkpoint into VGG19-BN.

        Raises:
            WeightsError: keys or shapes of another network.
        """
        prefix, form = ("dinov3.", DINOV3) if "storage_tokens" in state else ("vgg.", TORCHVISION_VGG19)
        rest = {k: v for k, v in self.state_dict().items() if not k.startswith(prefix)}
        source = "Meta's DINOv3 of the same size and torchvision's VGG19-BN checkpoint"
        load_checkpoint_into(self, {**form(state), **rest}, source)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load a state dict, but keep DINOv3's constant periods if those in the file differ by more than rounding."""
        periods, exact = state_dict.get(_PERIODS), self.dinov3.rope.periods
        if periods is not None and not torch.allclose(periods.to(exact), exact, rtol=_ROUNDING, atol=0):
            state_dict = {**state_dict, _PERIODS: exact}
        return super().load_state_dict(state_dict, strict, assign)


for _name, _vit, _scheme, _file in (
    ("vgg19-dinov3-vitl16", "large", "ourface11", "dinov3_vitl16_pretrain_lvd1689m-8aa4cbdd.pth"),
    ("vgg19-dinov3-vitb16", "base", "synthface19", "dinov3_vitb16_pretrain_lvd1689m-73cec8be.pth"),
):
    register(
        Entry(
            _name,
            partial(VGG19DINOv3, num_classes=len(scheme(_scheme)), vit=f"vit_{_vit}_patch16_dinov3_qkvb"),
            _scheme,
            VGG19_DINOV3,
            {"dinov3": Part("dinov3.", DINOV3, f"Meta's {_file}")},
        )
    )
