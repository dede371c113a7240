"""Loading a checkpoint file into a network, strictly.

>>> network = load("bisenet-zllrunning", "79999_iter.pth")  # doctest: +SKIP
>>> network(image).shape  # image: float32 (1, 3, 512, 512), normalised  # doctest: +SKIP
torch.Size([1, 19, 512, 512])
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceparse.errors import ConfigError, WeightsError
from faceparse.labels import scheme as find_scheme
from faceparse.models.fitting import compare, compare_best, fits, shapes_of, shapes_of_part
from faceparse.models.registry import Network, Part, networks
from faceparse.models.registry import network as find_network
from faceparse.models.uninitialised import Uninitialised
from faceparse.registry import in_short
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint
from faceparse.weights.importers import Shapes


def load(name: str, checkpoint: str | Path, **options: Any) -> Network:
    """Load a checkpoint file into a registered network, and return the network in eval mode.

    The network takes a normalised float32 tensor (B, 3, H, W) and returns logits (B, classes, H, W).

    Args:
        name: Name of a registered network, `bisenet-resnet18` for instance.
        checkpoint: A published checkpoint of this network, or a safetensors file or training checkpoint
            of faceparse. It is read without running code from it, and must fit exactly.
        options: Options of the network's builder, such as `num_classes=11`; by default a file of faceparse
            has the classes of its scheme, and another file the classes of the published weights. Also the
            file of a part that the checkpoint lacks: `dinov3="dinov3_vitl16_….pth"`.

    Raises:
        WeightsError: an unknown network; a file that is not a checkpoint; or keys or shapes that differ from
            the network's: the message lists missing, unexpected and mis-shaped keys, and the networks that
            the file fits.
    """
    find_network(name)  # fails for an unknown name before a large file is read
    return load_checkpoint(name, read_checkpoint(checkpoint), **options)


def load_checkpoint(name: str, file: Checkpoint, **options: Any) -> Network:
    """Load a `Checkpoint` that has been read into a registered network; see `load`."""
    entry = find_network(name)
    options = with_classes(file, options)
    part_files = {option: options.pop(option) for option in entry.parts if option in options}
    mismatch, absent = compare_best(entry, options, file.tensors)
    if mismatch:
        raise WeightsError(f"{file.path} does not fit {name}: {mismatch}. {_advice(file, options)}")
    state = mismatch.form(file.tensors)
    for option, part in entry.parts.items():
        if option in part_files and option not in absent:
            raise WeightsError(
                f"{file.path} contains its {option} already: leave out {option}=FILE (--{option})"
            )
        if option in absent and option not in part_files:
            raise WeightsError(
                f"{file.path} is {name} without its {option}: name its file, {part.file}, with {option}=FILE "
                f"(--{option} FILE on the command line)"
            )
        if option in absent:
            state.update(_read_part(name, part, part_files[option], shapes_of(entry, options)))
    with torch.random.fork_rng(devices=[]), Uninitialised():  # the caller's random state stays
        network = entry.build(**options)
    network.load_state_dict(state)
    return network.eval()


def load_part(network: Network, name: str, option: str, path: str | Path) -> None:
    """Load a part of a network from the part's own file.

    >>> load_part(network, "vgg19-dinov3-vitl16", "dinov3", "dinov3_vitl16_….pth")  # doctest: +SKIP

    Args:
        network: The network.
        name: The network's registered name.
        option: Name of the part, such as `dinov3`.
        path: The part's file, which is read without running code from it and must fit exactly.

    Raises:
        ConfigError: the network has no such part.
        WeightsError: not a checkpoint, or a checkpoint of another part.
    """
    part, state = find_part(name, option), network.state_dict()
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    network.load_state_dict({**state, **_read_part(name, part, path, shapes)})


def find_part(name: str, option: str) -> Part:
    """Return the part of a registered network whose file an option of `load` takes.

    Raises:
        ConfigError: the network has no such part.
    """
    parts = find_network(name).parts
    if option not in parts:
        raise ConfigError(f"{name} has no part {option!r} of its own; it has {', '.join(parts) or 'none'}")
    return parts[option]


def _read_part(name: str, part: Part, path: str | Path, shapes: Shapes) -> dict[str, Tensor]:
    file = read_checkpoint(path)
    mismatch = compare(part.form, shapes_of_part(part, shapes), file.tensors)
    if mismatch:
        raise WeightsError(f"{file.path} does not fit {name}, which takes {part.file}: {mismatch}")
    return part.form(file.tensors)


def with_classes(file: Checkpoint, options: Mapping[str, Any]) -> dict[str, Any]:
    """Add to the options the number of classes that a file of faceparse states, unless they have one."""
    if file.scheme is None or "num_classes" in options:
        return dict(options)
    return {"num_classes": len(find_scheme(file.scheme)), **options}


def _advice(file: Checkpoint, options: Mapping[str, Any]) -> str:
    classes = {k: v for k, v in options.items() if k == "num_classes"}
    names = fits(file.tensors, **classes)
    if names:
        return f"The file fits {' and '.join(names)}: name that network instead"
    return f"The file fits none of the registered networks ({in_short(networks())})"
