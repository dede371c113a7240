"""The registry of networks: how to build each network, and how its published checkpoints name the tensors.

A new network is one file in this folder that calls `register`. Another package adds a network by an entry
point of the group `faceparse.networks` that names a module with such a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from faceparse.errors import WeightsError
from faceparse.registry import Registry
from faceparse.weights.backbone import Backbone
from faceparse.weights.card import Grid
from faceparse.weights.importers import OWN, Renaming


class Network(nn.Module):
    """Base class of all face parsing networks.

    `forward` returns logits (B, classes, H, W) at the input's size, as the authors publish them.
    `grid_logits` returns the logits before the last upsampling; `grid` says how they lie on the input.
    In training, `training_logits` returns the main and any auxiliary logits at the input's size; with
    `needs_landmarks`, it also takes `(image, landmarks)`.

    Attributes:
        grid: How the logits of `grid_logits` lie on the input.
        any_size: Whether a graph traced at one input size works for other sizes; else it is exported for one
            size.
        needs_landmarks: Whether `forward` takes `(image, landmarks)` and warps the picture by the landmarks.
            `grid_logits` then takes the warped picture and returns logits of the warped picture.
        multiple: Number of pixels; the input's sides must be multiples of it.
        pretrained: The published ImageNet classifier that `load_backbone` takes; None without a download
            address.
    """

    grid: Grid
    any_size: bool = True
    needs_landmarks: bool = False
    multiple: int = 1
    pretrained: Backbone | None = None

    def grid_logits(self, image: Tensor) -> Tensor:
        """Return logits at the network's own resolution, (B, classes, H / stride, W / stride)."""
        raise NotImplementedError

    def training_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the main logits, then the auxiliary logits, all (B, classes, H, W)."""
        return (self(image),)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Load a checkpoint of the backbone, pretrained on other data, if the network supports this.

        Raises:
            WeightsError: the file has keys or shapes of another network, or the network has no such backbone.
        """
        raise WeightsError(f"{type(self).__name__} has no backbone that a separate checkpoint could fill")


@dataclass(frozen=True)
class Part:
    """Tensors of a network that may come in a separate file: `load(name, checkpoint, dinov3=FILE)`.

    Attributes:
        prefix: Prefix of these tensors' names in faceparse.
        form: Naming of the tensors in the separate file.
        file: Description of the separate file, for error messages.
    """

    prefix: str
    form: Renaming
    file: str


@dataclass(frozen=True)
class Entry:
    """One registered network.

    Attributes:
        name: Name of the network, as in `faceparse.models.load(name, …)`.
        build: Function such that `build(num_classes=…)` returns the network with random weights, without
            internet or disk; it works under `torch.device("meta")` too.
        scheme: Scheme of the published weights, which sets the default number of classes.
        published: Naming of the tensors in published checkpoints; None if it is faceparse's own.
        parts: Option of `load` → part whose file it takes; a checkpoint may lack these parts.
    """

    name: str
    build: Callable[..., Network]
    scheme: str
    published: Renaming | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def forms(self) -> tuple[Renaming, ...]:
        """Namings of the tensors that a checkpoint may use; the published one comes first."""
        return (OWN,) if self.published is None else (self.published, OWN)


NETWORKS = Registry[Entry]("network", "models", "faceparse.networks", WeightsError)

register = NETWORKS.register


def networks() -> Mapping[str, Entry]:
    """Return all registered networks by name."""
    return NETWORKS.all()


def network(name: str) -> Entry:
    """Return the registered network with this name.

    Raises:
        WeightsError: no such network.
    """
    return NETWORKS.find(name)


def build(name: str, **options: Any) -> Network:
    """Build a network with random weights: `build("bisenet-resnet18", num_classes=19)`."""
    return network(name).build(**options)
