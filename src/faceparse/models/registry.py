"""The networks by name: what builds each, and which published checkpoint forms it takes.

A new network is one file in this folder that calls `register`; a package outside names its own
module under the entry point group `faceparse.networks`.
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
    """What every face parsing network here is.

    `forward` gives logits (B, classes, H, W) at the input's size, as its authors publish them.
    `grid_logits` gives them before the last upsampling; `grid` says how they lie on the input.
    In training, `training_logits` gives the main and any auxiliary logits at the input's size; where
    `needs_landmarks`, it takes `(image, landmarks)` too.

    Attributes:
        grid: How the logits lie on the input.
        any_size: Whether a graph traced at one input size holds for others; else it is exported for one.
        needs_landmarks: Whether `forward` takes `(image, landmarks)` and warps by them. `grid_logits` then takes
            the warped picture and gives logits that lie as warped.
        multiple: The sides of its input are multiples of this.
        pretrained: The published ImageNet classifier that `load_backbone` takes; None where none has an address.
    """

    grid: Grid
    any_size: bool = True
    needs_landmarks: bool = False
    multiple: int = 1
    pretrained: Backbone | None = None

    def grid_logits(self, image: Tensor) -> Tensor:
        """Logits at the network's own resolution, (B, classes, H / stride, W / stride)."""
        raise NotImplementedError

    def training_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Main logits, then auxiliary ones, all (B, classes, H, W)."""
        return (self(image),)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Start the backbone from a checkpoint trained on other data, where a network knows how.

        Raises:
            WeightsError: keys or shapes of another network, or a network without such a backbone.
        """
        raise WeightsError(f"{type(self).__name__} has no backbone that starts from a checkpoint of its own")


@dataclass(frozen=True)
class Part:
    """Tensors of a network that may come in a file of their own: `load(name, checkpoint, dinov3=FILE)`.

    Attributes:
        prefix: What our names of these tensors begin with.
        form: How that file names them.
        file: What it is, for messages.
    """

    prefix: str
    form: Renaming
    file: str


@dataclass(frozen=True)
class Entry:
    """One registered network.

    Attributes:
        name: As in `faceparse.models.load(name, …)`.
        build: `build(num_classes=…)` gives the network, random, without touching the internet or disk;
            it works under `torch.device("meta")` too.
        scheme: Scheme of its published weights, and the default number of classes.
        published: How its published checkpoints name their tensors; None where they are ours.
        parts: Parts by the option of `load` that takes their file; a checkpoint holds them or does not.
    """

    name: str
    build: Callable[..., Network]
    scheme: str
    published: Renaming | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def forms(self) -> tuple[Renaming, ...]:
        """The ways in which a checkpoint of it may name its tensors; the published one first."""
        return (OWN,) if self.published is None else (self.published, OWN)


NETWORKS = Registry[Entry]("network", "models", "faceparse.networks", WeightsError)

register = NETWORKS.register


def networks() -> Mapping[str, Entry]:
    """All registered networks by name."""
    return NETWORKS.all()


def network(name: str) -> Entry:
    """The registered network of that name.

    Raises:
        WeightsError: no such network.
    """
    return NETWORKS.find(name)


def build(name: str, **options: Any) -> Network:
    """A network with random weights: `build("bisenet-resnet18", num_classes=19)`."""
    return network(name).build(**options)
