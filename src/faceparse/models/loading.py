"""From a checkpoint file to a network in eval mode; strict.

>>> network = load("bisenet-zllrunning", "79999_iter.pth")  # doctest: +SKIP
>>> network(image).shape  # image: float32 (1, 3, 512, 512), normalised  # doctest: +SKIP
torch.Size([1, 19, 512, 512])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from faceparse.errors import WeightsError
from faceparse.labels import scheme as find_scheme
from faceparse.models.registry import Entry, Network, in_short, networks
from faceparse.models.registry import network as find_network
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint
from faceparse.weights.importers import Renaming, Shapes

_LISTED = 6
"""Keys of one kind that a message names before it counts the rest."""


def load(name: str, checkpoint: str | Path, **options: Any) -> Network:
    """The registered network of that name with the weights of a checkpoint file, in eval mode.

    Called on a normalised float32 tensor (B, 3, H, W) it gives logits (B, classes, H, W).

    Args:
        name: A registered network, `bisenet-resnet18` for instance.
        checkpoint: A file as published for that network, or a safetensors file or training checkpoint
            of ours. It is read safely and must fit exactly.
        options: Given to the network's builder, as `num_classes=11`. By default a file of ours says by
            its scheme how many classes it has, and a foreign file has those of the published weights.

    Raises:
        WeightsError: unknown network; a file that is no checkpoint; or other keys or shapes than the
            network's: the message lists those that are missing, unexpected and mis-shaped, and the
            networks that the file fits.
    """
    find_network(name)  # a wrong name is told before a large file is read
    return load_checkpoint(name, read_checkpoint(checkpoint), **options)


def load_checkpoint(name: str, file: Checkpoint, **options: Any) -> Network:
    """`load` for a checkpoint that was read already."""
    entry = find_network(name)
    options = _with_classes(file, options)
    faults = [_compare(form, _shapes(entry, options), file.tensors) for form in entry.forms]
    fitting = next((f for f in faults if not f), None)
    if fitting is None:
        nearest = max(faults, key=lambda f: f.shared)
        raise WeightsError(f"{file.path} does not fit {name}: {nearest}. {_advice(file, options)}")
    with torch.random.fork_rng(devices=[]):  # building draws random weights; the caller's stream stays
        network = entry.build(**options)
    network.load_state_dict(fitting.form(file.tensors))
    return network.eval()


def fits(state: Mapping[str, Tensor], **options: Any) -> tuple[str, ...]:
    """Names of the registered networks that a state dict fits, in published or in our form.

    Args:
        state: Tensor name → tensor.
        options: Given to each network's builder, as `num_classes=11`.
    """
    return tuple(
        name
        for name, entry in networks().items()
        if any(not _compare(form, _shapes(entry, options), state) for form in entry.forms)
    )


@dataclass(frozen=True)
class _Fault:
    """How a state dict differs from what a form of a network expects; false where it does not."""

    form: Renaming
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mis_shaped: tuple[str, ...]
    shared: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.mis_shaped)

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "mis-shaped": self.mis_shaped}
        return "; ".join(f"{len(keys)} {kind} ({_some(keys)})" for kind, keys in kinds.items() if keys)


def _compare(form: Renaming, own: Shapes, state: Mapping[str, Tensor]) -> _Fault:
    expected = form.expects(own)
    found = {k: tuple(v.shape) for k, v in state.items() if form.uses(k)}
    both = [k for k in expected if k in found]
    return _Fault(
        form,
        tuple(k for k in expected if k not in found),
        tuple(k for k in found if k not in expected),
        tuple(f"{k} is {found[k]}, not {expected[k]}" for k in both if found[k] != expected[k]),
        len(both),
    )


def _shapes(entry: Entry, options: Mapping[str, Any]) -> Shapes:
    return _built_shapes(entry.build, *options.items())


@cache
def _built_shapes(build: Callable[..., Network], *options: tuple[str, Any]) -> Shapes:
    with torch.device("meta"):
        state = build(**dict(options)).state_dict()
    return MappingProxyType({k: tuple(v.shape) for k, v in state.items()})


def _with_classes(file: Checkpoint, options: Mapping[str, Any]) -> dict[str, Any]:
    if file.scheme is None or "num_classes" in options:
        return dict(options)
    return {"num_classes": len(find_scheme(file.scheme)), **options}


def _some(keys: Iterable[str]) -> str:
    listed = list(keys)
    rest = len(listed) - _LISTED
    return ", ".join(listed[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _advice(file: Checkpoint, options: Mapping[str, Any]) -> str:
    classes = {k: v for k, v in options.items() if k == "num_classes"}
    found = fits(file.tensors, **classes)
    if found:
        return f"The file fits {' and '.join(found)}: name that network instead"
    return f"The file fits none of the registered networks ({in_short(networks())})"
