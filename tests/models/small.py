"""The published networks with few channels and blocks, under their own names, so that their files are small."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from faceparse import models  # noqa: E402
from faceparse.models import fcn8s, registry  # noqa: E402
from faceparse.models.registry import Part  # noqa: E402
from faceparse.models.vgg19_dinov3 import VGG19DINOv3  # noqa: E402
from faceparse.weights.importers.dinov3 import DINOV3  # noqa: E402
from faceparse.weights.importers.vgg19_dinov3 import VGG19_DINOV3  # noqa: E402

META = "encoder.dinov3."
State = dict[str, Any]


def small_fcn8s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `fcn8s` a small one."""
    models.networks()
    monkeypatch.setattr(fcn8s, "_WIDE", 6)
    monkeypatch.setattr(fcn8s, "_BLOCKS", ((2, 2), (3, 3), (4, 4, 4), (5, 5, 5), (5, 5, 5)))
    # A function of its own, for what is known of the real one is kept.
    small = models.Entry("fcn8s", lambda num_classes=21: fcn8s.FCN8s(num_classes), "voc21-face")
    monkeypatch.setitem(registry.NETWORKS._things, "fcn8s", small)


def caffe_layers(state: Mapping[str, Any]) -> dict[str, list[NDArray[np.float32]]]:
    """A state dict as Caffe has it: layer → its arrays."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    for key, value in state.items():
        found.setdefault(key.rpartition(".")[0], []).append(value.numpy())
    return found


class SmallVGG19DINOv3(VGG19DINOv3):
    """A ViT-S with one of its blocks."""

    def __init__(self, num_classes: int = 11) -> None:
        super().__init__(num_classes, "vit_small_patch16_dinov3_qkvb")
        del self.dinov3.blocks[1:]


def small_vgg19_dinov3(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Register a small one under that name."""
    models.networks()
    parts = {"dinov3": Part("dinov3.", DINOV3, "Meta's ViT-S")}
    entry = models.Entry(name, SmallVGG19DINOv3, "ourface11", VGG19_DINOV3, parts)
    monkeypatch.setitem(registry.NETWORKS._things, name, entry)


def small_last_ckpt() -> State:
    """The state dict of the small network's published `last.ckpt`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        own = SmallVGG19DINOv3().state_dict()
        expected = VGG19_DINOV3.expects({k: tuple(v.shape) for k, v in own.items()})
        made = {k: 0.1 * torch.randn(shape) if shape else torch.tensor(0) for k, shape in expected.items()}
    made |= {k: v.abs() + 1 for k, v in made.items() if k.endswith("running_var")}
    made[f"{META}rope_embed.periods"] = own["dinov3.rope.periods"].bfloat16()
    extra = {f"{META}mask_token": torch.zeros(1, 384), f"{META}blocks.0.attn.qkv.bias_mask": torch.ones(1152)}
    return made | extra


def dinov3_of(state: State) -> State:
    """The DINOv3 of a checkpoint as Meta publishes it."""
    return {k.removeprefix(META): v for k, v in state.items() if k.startswith(META)}


def without_dinov3(state: State) -> State:
    return {k: v for k, v in state.items() if not k.startswith(META)}
