"""SegFace: a backbone, and one learned token per class that attends to the pixels of this class.

Narayan et al., SegFace: Face Segmentation of Long-Tail Classes, AAAI 2025, https://arxiv.org/abs/2412.08647; the
decoder is the two-way transformer of Segment Anything (Kirillov et al., https://arxiv.org/abs/2304.02643).

The operations are reordered for speed; outputs equal the published ones except for rounding.
Adapting, upsampling and fusing the backbone's feature maps are linear and commute, so each map is mixed at
its own size. In attention between few tokens and many cells, the tokens are projected instead of the cells.
Transposed 2 × 2 convolutions with stride 2 are computed as matrix products; the results are rearranged only
once, as logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceparse.labels import scheme
from faceparse.models.backbones.imagenet import imagenet
from faceparse.models.backbones.tapped import CLASSIFIERS, make_backbone
from faceparse.models.registry import Entry, Network, register
from faceparse.weights.card import Grid
from faceparse.weights.importers.segface import segface

WIDTH = 256
HEADS = 8
STRIDE = 4
MIN_SIDE = 32
"""Least side, in pixels, that every backbone takes; smaller pictures are padded."""


class _Attention(nn.Module):
    """Attention of 8 heads, in three forms: among tokens, tokens to cells, and cells to tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, width)
        self.key = nn.Linear(WIDTH, width)
        self.value = nn.Linear(WIDTH, width)
        self.out = nn.Linear(width, WIDTH)
        self.scale = (width // HEADS) ** -0.5

    def forward(self, tokens: Tensor, values: Tensor) -> Tensor:
        """Return the attention among tokens: B × classes × 256."""
        query, key = self._heads(self.query(tokens)), self._heads(self.key(tokens))
        weights = (query * self.scale @ key.transpose(2, 3)).softmax(-1)
        return self._merge(weights @ self._heads(self.value(values)))

    def look(self, tokens: Tensor, cells: Tensor, placed: Tensor) -> Tensor:
        """Return the attention of tokens to cells: B × classes × 256.

        Args:
            tokens: The tokens, B × classes × 256.
            cells: The cells, B × n × 256.
            placed: The cells plus their position code.
        """
        query = self._heads(self.query(tokens)) * self.scale
        queries = query @ self._per_head(self.key.weight)
        scores = queries.flatten(1, 2) @ placed.transpose(1, 2)
        if self.training:  # a constant per row does not change the output, but gives the bias a gradient
            scores = scores + (query @ self.key.bias.view(HEADS, -1, 1)).flatten(1, 2)
        attended = torch.unflatten(scores.softmax(-1) @ cells, 1, (HEADS, -1))
        values = attended @ self._per_head(self.value.weight).transpose(1, 2)
        return self._merge(values + self.value.bias.view(HEADS, 1, -1))

    def tell(self, placed: Tensor, tokens: Tensor, values: Tensor) -> Tensor:
        """Return the attention of cells to tokens: B × n × 256.

        Args:
            placed: The cells plus their position code, B × n × 256.
            tokens: The tokens plus their position code, B × classes × 256.
            values: The tokens without position code.
        """
        key = self._heads(self.key(tokens)) * self.scale
        keys = (key @ self._per_head(self.query.weight)).flatten(1, 2)
        constant = (key @ self.query.bias.view(HEADS, -1, 1)).flatten(1, 3)
        scores = placed @ keys.transpose(1, 2) + constant[:, None]
        weights = torch.unflatten(scores, 2, (HEADS, -1)).softmax(-1).flatten(2)
        out = torch.unflatten(self.out.weight, 1, (HEADS, -1)).permute(1, 2, 0)
        # The weights of a head add up to 1, so each head may add its share of the bias.
        projected = self._heads(self.value(values)) @ out + self.out.bias / HEADS
        return weights @ projected.flatten(1, 2)

    @staticmethod
    def _heads(x: Tensor) -> Tensor:
        """Split B × n × width into heads: B × heads × n × width / heads."""
        return torch.unflatten(x, 2, (HEADS, -1)).transpose(1, 2)

    @staticmethod
    def _per_head(weight: Tensor) -> Tensor:
        return torch.unflatten(weight, 0, (HEADS, -1))

    def _merge(self, x: Tensor) -> Tensor:
        merged: Tensor = self.out(x.transpose(1, 2).flatten(2))
        return merged


class _Block(nn.Module):
    """A block of self-attention of tokens, attention of tokens to cells, an MLP, and attention of cells to tokens."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.first = first
        self.among = _Attention(WIDTH)
        self.look = _Attention(WIDTH // 2)
        self.tell = _Attention(WIDTH // 2)
        self.widen = nn.Linear(WIDTH, 8 * WIDTH)
        self.narrow = nn.Linear(8 * WIDTH, WIDTH)
        self.norm_among = nn.LayerNorm(WIDTH)
        self.norm_look = nn.LayerNorm(WIDTH)
        self.norm_mlp = nn.LayerNorm(WIDTH)
        self.norm_tell = nn.LayerNorm(WIDTH)

    def forward(self, tokens: Tensor, start: Tensor, cells: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens and cells after the block; `start`, the learned tokens, is the tokens' position code."""
        placed = cells + places
        # The first block replaces the tokens, later blocks add to them.
        tokens = self.among(tokens, tokens) if self.first else tokens + self.among(tokens + start, tokens)
        tokens = self.norm_among(tokens)
        tokens = self.norm_look(tokens + self.look.look(tokens + start, cells, placed))
        tokens = self.norm_mlp(tokens + self.narrow(F.relu(self.widen(tokens))))
        cells = self.norm_tell(cells + self.tell.tell(placed, tokens + start, tokens))
        return tokens, cells


class _Decoder(nn.Module):
    frequencies: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, WIDTH // 2))
        self.tokens = nn.ModuleList(nn.Embedding(1, WIDTH) for _ in range(num_classes))
        self.blocks = nn.ModuleList(_Block(first=i == 0) for i in range(2))
        self.last_look = _Attention(WIDTH // 2)
        self.norm_last = nn.LayerNorm(WIDTH)
        self.upscale = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in ((WIDTH, 64), (64, 32))
        )
        self.norm_upscale = nn.LayerNorm(64, eps=1e-6)
        self.classify = nn.ModuleList(nn.Linear(WIDTH, width) for width in (WIDTH, WIDTH, 32))

    def forward(self, features: Tensor) -> Tensor:
        """Compute logits, B × classes × 4h × 4w, from features, B × h × w × 256."""
        height, width = features.shape[1:3]
        places = self._places(height, width)
        cells = features.flatten(1, 2)
        start = torch.cat([t.weight for t in self.tokens if isinstance(t, nn.Embedding)])[None]
        tokens = start
        for block in self.blocks:
            tokens, cells = block(tokens, start, cells, places)
        tokens = self.norm_last(tokens + self.last_look.look(tokens + start, cells, cells + places))
        hidden = F.relu(self.classify[1](F.relu(self.classify[0](tokens))))
        weights = self.classify[2](hidden)[:, None, None]
        # B × half × quarter × (h · 4w) × 32: columns are in order already, rows are not.
        logits = weights @ self._upscale(cells).transpose(3, 4)
        logits = torch.unflatten(logits, 4, (height, 4 * width)).permute(0, 3, 4, 1, 2, 5)
        return logits.reshape(-1, len(self.tokens), 4 * height, 4 * width)

    def _upscale(self, cells: Tensor) -> Tensor:
        """Upsample cells, B × n × 256, to B × 2 × 2 × 4n × 32: row in the half, half, then cells and their columns."""
        first, second = self.upscale
        halves = _split(cells, first)
        halves = F.gelu(self.norm_upscale(torch.unflatten(halves, 3, (2, -1)).flatten(2, 3)))
        return torch.unflatten(F.gelu(_split(halves, second)), 4, (2, -1)).flatten(3, 4)

    def _places(self, height: int, width: int) -> Tensor:
        """Return each cell's position code, 1 × n × 256: sine and cosine of the cell's centre times random frequencies.

        The addition theorems need sines and cosines only per row and per column, not per cell.
        """
        rows = self._angles(height, 1)[:, None]
        columns = self._angles(width, 0)[None]
        sin_y, cos_y, sin_x, cos_x = rows.sin(), rows.cos(), columns.sin(), columns.cos()
        code = torch.cat([sin_x * cos_y + cos_x * sin_y, cos_x * cos_y - sin_x * sin_y], -1)
        return code.flatten(0, 1)[None]

    def _angles(self, cells: int, axis: int) -> Tensor:
        centres = (torch.arange(cells, device=self.frequencies.device) + 0.5) * (2 / cells) - 1
        return 2 * math.pi * centres.to(self.frequencies.dtype)[:, None] * self.frequencies[axis]


def _split(x: Tensor, layer: nn.Module) -> Tensor:
    """Compute a transposed 2 × 2 convolution with stride 2 as matrix products: … × n × a → … × 2 × n × 2b.

    Each cell becomes 2 × 2 cells: the new axis is their row, and the last axis holds their two columns.
    """
    assert isinstance(layer, nn.ConvTranspose2d)
    assert layer.bias is not None
    weight = layer.weight.permute(2, 0, 3, 1).flatten(2)
    return x.unsqueeze(-3) @ weight + layer.bias.repeat(2)


class SegFace(Network):
    """SegFace, with logits at the input's size.

    >>> import torch
    >>> SegFace(19, "mobilenet")(torch.zeros(2, 3, 64, 96)).shape
    torch.Size([2, 19, 64, 96])

    The input is RGB, 0 to 1, normalised by ImageNet's mean and standard deviation. Sides that are multiples
    of 4 and at least 32 are not padded, as published. Other inputs are padded with zeros at the right and
    below, and the logits are cropped.

    Args:
        num_classes: Number of classes, the channels of the logits.
        backbone: A key of `faceparse.models.backbones.tapped.CLASSIFIERS`; its weights are random.
    """

    grid = Grid(stride=1, align_corners=False)

    def __init__(self, num_classes: int = 19, backbone: str = "swin_base") -> None:
        super().__init__()
        self.trunk = make_backbone(backbone)
        self.any_size = self.trunk.kind.any_size
        self.pretrained = imagenet(self.trunk.kind.weights) if self.trunk.kind.weights else None
        self.adapt = nn.ModuleList(nn.Linear(width, WIDTH) for width in self.trunk.kind.widths)
        self.fuse = nn.Conv2d(4 * WIDTH, WIDTH, 1, bias=False)
        self.decoder = _Decoder(num_classes)

    def grid_logits(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        features = self._features(F.pad(image, (0, _padding(width), 0, _padding(height))))
        logits: Tensor = self.decoder(features)
        return logits[..., :height, :width]

    def forward(self, image: Tensor) -> Tensor:
        return self.grid_logits(image)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Load torchvision's ImageNet checkpoint of the same classifier into the backbone.

        Raises:
            WeightsError: keys or shapes of another classifier.
        """
        self.trunk.load_classifier(state)

    def _features(self, image: Tensor) -> Tensor:
        """Adapt the backbone's feature maps, resize them to the finest one and fuse them: B × h × w × 256."""
        maps = self.trunk(image)
        weights = self.fuse.weight.flatten(1).chunk(4, 1)[::-1]  # `fuse` has the deepest feature map first
        fused: Tensor | None = None
        for x, layer, weight in zip(maps, self.adapt, weights, strict=True):
            assert isinstance(layer, nn.Linear)
            mixed = F.linear(x, weight @ layer.weight, weight @ layer.bias)
            fused = mixed if fused is None else fused + _upsample(mixed, fused)
        assert fused is not None
        return fused


def _upsample(x: Tensor, like: Tensor) -> Tensor:
    large = F.interpolate(x.permute(0, 3, 1, 2), size=like.shape[1:3], mode="bilinear", align_corners=False)
    return large.permute(0, 2, 3, 1)


def _padding(side: int) -> int:
    # A multiple of the stride takes the exporter half the time of a remainder. -(-side // STRIDE) would be wrong,
    # because ONNX divides towards zero. Python's max() would fix the size in the graph.
    steps: int = torch.sym_max((side + STRIDE - 1) // STRIDE, MIN_SIDE // STRIDE)  # type: ignore[assignment]
    return STRIDE * steps - side


BACKBONES: Mapping[str, str] = {
    **{name: name for name in CLASSIFIERS},
    "convnext_tiny": "convnext_small",  # the weights published under this name are those of a ConvNeXt-Small
    "true_convnext_tiny": "convnext_tiny",
}
"""Last part of a SegFace network's name → name of its backbone."""


def register_variants(data: str, scheme_name: str, network: Callable[..., Network]) -> None:
    """Register the SegFace networks of one data set, `segface-DATA-BACKBONE`.

    Args:
        data: `celeb`, `lapa` or `helen`.
        scheme_name: Scheme of the published weights.
        network: Function or class that makes a network from `num_classes` and `backbone`.
    """
    classes = len(scheme(scheme_name))
    for name, backbone in BACKBONES.items():
        # The published checkpoints hold these backbones one level deeper, and with Swin's last norm, which is
        # not used.
        nested = backbone.startswith(("swin", "convnext"))
        published = (
            segface(data, "backbone.0.", unused=("backbone.1.",)) if nested else segface(data, "backbone.")
        )
        register(
            Entry(
                f"segface-{data}-{name}",
                partial(network, num_classes=classes, backbone=backbone),
                scheme_name,
                published,
            )
        )


register_variants("celeb", "segface-celeb19", SegFace)
register_variants("helen", "helen11", SegFace)
