"""torchvision's ImageNet classifiers, from which trunks start: where they are published, and getting them.

>>> from torchvision.models import ResNet18_Weights
>>> imagenet(ResNet18_Weights.IMAGENET1K_V1).source.file
'resnet18-f37072fd.pth'
"""

from __future__ import annotations

import re
from pathlib import Path

from torchvision.models._api import WeightsEnum

from faceparse.errors import DownloadError
from faceparse.weights.card import Licence, Source
from faceparse.weights.hashing import sha256
from faceparse.weights.store import fetch
from faceparse.weights.trunk import Trunk

_DIGITS = re.compile(r"-([0-9a-f]{8,})\.\w+$")
_LICENCE = Licence(
    "BSD-3-Clause (torchvision)",
    "Trained on ImageNet-1k, whose own terms are for research: read them at image-net.org.",
    "https://github.com/pytorch/vision",
)


def imagenet(weights: WeightsEnum) -> Trunk:
    """One of torchvision's published classifiers as a trunk of the store."""
    name = str(weights.url).rpartition("/")[2]
    return Trunk(
        id=f"torchvision-{name.rpartition('.')[0]}",
        title=f"{type(weights).__name__.removesuffix('_Weights')} of torchvision, {weights.name}",
        option="trunk",
        training="ImageNet-1k",
        source=Source(name, url=weights.url, project="https://github.com/pytorch/vision"),
        licence=_LICENCE,
    )


def fetch_imagenet(trunk: Trunk) -> Path:
    """Its file, downloaded into the store where it is not there yet.

    Raises:
        DownloadError: offline, the server's fault, or another file than its name says, which has the first digits
            of its SHA-256.
        OutputError: the cache cannot be written.
    """
    path = fetch(trunk)
    digits = _DIGITS.search(path.name)
    if digits and not sha256(path).startswith(digits[1]):
        path.unlink()
        raise DownloadError(
            f"{trunk.source.url} served another file than its name says: the SHA-256 does not begin with {digits[1]}"
        )
    return path
