"""From a checkpoint file to a network in eval mode; strict.

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
from faceparse.models.fitting import compare, fits, missing_parts, nearest, part_of, shapes_of
from faceparse.models.registry import Network, Part, networks
from faceparse.models.registry import network as find_network
from faceparse.models.unfilled import Unfilled
from faceparse.registry import in_short
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint
from faceparse.weights.importers import Shapes


def load(name: str, checkpoint: str | Path, **options: Any) -> Network:
    """The registered network of that name with the weights of a checkpoint file, in eval mode.

    Called on a normalised float32 tensor (B, 3, H, W) it gives logits (B, classes, H, W).

    Args:
        name: A registered network, `bisenet-resnet18` for instance.
        checkpoint: A file as published for that network, or a safetensors file or training checkpoint
            of ours. It is read safely and must fit exactly.
        options: Given to the network's builder, as `num_classes=11`. By default a file of ours says by
            its scheme how many classes it has, and a foreign file has those of the published weights.
            Where a checkpoint leaves out a part, the file that has it: `dinov3="dinov3_vitl16_….pth"`.

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
    options = with_classes(file, options)
    given = {option: options.pop(option) for option in entry.parts if option in options}
    shapes = shapes_of(entry, options)
    missing = missing_parts(entry, shapes, file.tensors)
    fault = nearest(entry, shapes, missing, file.tensors)
    if fault:
        raise WeightsError(f"{file.path} does not fit {name}: {fault}. {_advice(file, options)}")
    _check_given(name, file, given, missing)
    state = fault.form(file.tensors)
    for option, part in missing.items():
        state.update(_read_part(name, part, given[option], shapes))
    with torch.random.fork_rng(devices=[]), Unfilled():  # the caller's random stream stays
        network = entry.build(**options)
    network.load_state_dict(state)
    return network.eval()


def load_part(network: Network, name: str, option: str, path: str | Path) -> None:
    """Fill a part of a network from the file that has it alone.

    >>> load_part(network, "vgg19-dinov3-vitl16", "dinov3", "dinov3_vitl16_….pth")  # doctest: +SKIP

    Args:
        network: Built under that name.
        name: A registered network.
        option: One of its parts.
        path: The part's file, read safely; it must fit exactly.

    Raises:
        ConfigError: the network has no such part.
        WeightsError: a file that is no checkpoint, or of another part.
    """
    known = find_network(name).parts
    if option not in known:
        there = f"its parts are {', '.join(known)}" if known else "it has none"
        raise ConfigError(f"{name} has no part {option!r} with a file of its own; {there}")
    state = network.state_dict()
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    network.load_state_dict({**state, **_read_part(name, known[option], path, shapes)})


def _check_given(
    name: str, file: Checkpoint, given: Mapping[str, object], missing: Mapping[str, Part]
) -> None:
    for option, part in missing.items():
        if option not in given:
            raise WeightsError(
                f"{file.path} is {name} without its {option}: give that as {option}=FILE "
                f"(--{option} FILE on the command line), {part.file}"
            )
    extra = [option for option in given if option not in missing]
    if extra:
        raise WeightsError(f"{file.path} holds {extra[0]} itself: leave out {extra[0]}=FILE (--{extra[0]})")


def _read_part(name: str, part: Part, path: str | Path, shapes: Shapes) -> dict[str, Tensor]:
    file = read_checkpoint(path)
    fault = compare(part.form, part_of(part, shapes), file.tensors)
    if fault:
        raise WeightsError(f"{file.path} does not fit {name}, which takes {part.file}: {fault}")
    return part.form(file.tensors)


def with_classes(file: Checkpoint, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with the number of classes that a file of ours states."""
    if file.scheme is None or "num_classes" in options:
        return dict(options)
    return {"num_classes": len(find_scheme(file.scheme)), **options}


def _advice(file: Checkpoint, options: Mapping[str, Any]) -> str:
    classes = {k: v for k, v in options.items() if k == "num_classes"}
    found = fits(file.tensors, **classes)
    if found:
        return f"The file fits {' and '.join(found)}: name that network instead"
    return f"The file fits none of the registered networks ({in_short(networks())})"
