"""torchvision's ImageNet checkpoints, from which backbones start: their addresses, download and loading.

>>> from torchvision.models import ResNet18_Weights
>>> imagenet(ResNet18_Weights.IMAGENET1K_V1).source.file
'resnet18-f37072fd.pth'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torchvision.models._api import WeightsEnum

from faceparse.errors import DownloadError, WeightsError
from faceparse.weights.backbone import Backbone
from faceparse.weights.card import Licence, Source
from faceparse.weights.hashing import sha256
from faceparse.weights.store import fetch

_DIGITS = re.compile(r"-([0-9a-f]{8,})\.\w+$")
_LICENCE = Licence(
    "BSD-3-Clause (torchvision)",
    "Trained on ImageNet-1k, whose own terms are for research: read them at image-net.org.",
    "https://github.com/pytorch/vision",
)


def imagenet(weights: WeightsEnum) -> Backbone:
    """Return the address, licence and title of torchvision's published weights."""
    name = str(weights.url).rpartition("/")[2]
    return Backbone(
        id=f"torchvision-{name.rpartition('.')[0]}",
        title=f"{type(weights).__name__.removesuffix('_Weights')} of torchvision, {weights.name}",
        option="backbone",
        training="ImageNet-1k",
        source=Source(name, url=weights.url, project="https://github.com/pytorch/vision"),
        licence=_LICENCE,
    )


def fetch_imagenet(backbone: Backbone) -> Path:
    """Download a backbone's file into the cache, unless it is there, and return the file's path.

    Raises:
        DownloadError: offline, a fault of the server, or a file whose SHA-256 does not begin with the digits
            in its name.
        OutputError: the cache cannot be written.
    """
    path = fetch(backbone)
    digits = _DIGITS.search(path.name)
    if digits and not sha256(path).startswith(digits[1]):
        path.unlink()
        raise DownloadError(
            f"{backbone.source.url} has changed: expected a SHA-256 that begins with {digits[1]}"
        )
    return path


def load_checkpoint_into(module: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load a state dict into a backbone, strictly.

    Raises:
        WeightsError: keys or shapes of another network; the message names `source`, the checkpoint that fits.
    """
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"expected {source} for the backbone: {reason}") from None
