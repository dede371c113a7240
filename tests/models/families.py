"""The registered networks as test parameters: one member of each family by default, all with the marker slow."""

from collections.abc import Iterable
from typing import Any

import pytest

QUICK = (
    "bisenet-resnet18",
    "fcn8s",
    "fpn-efficientnet_lite0",
    "segface-celeb-mobilenet",
    "segface-lapa-mobilenet",
    "vgg19-dinov3-vitb16",
)


def members(names: Iterable[str]) -> list[Any]:
    """Names, the slow ones marked so; a family that is not in `QUICK` is never slow."""
    families = {name.split("-")[0] for name in QUICK}
    return [
        pytest.param(name, marks=pytest.mark.slow)
        if name.split("-")[0] in families and name not in QUICK
        else name
        for name in names
    ]
