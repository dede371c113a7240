"""From a checkpoint file to a network in eval mode; strict.

>>> network = load("bisenet-zllrunning", "79999_iter.pth")  # doctest: +SKIP
>>> network(image).shape  # image: float32 (1, 3, 512, 512), normalised  # doctest: +SKIP
torch.Size([1, 19, 512, 512])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceparse.errors import WeightsError
from faceparse.labels import scheme as find_scheme
from faceparse.models.registry import Entry, Network, Part, networks
from faceparse.models.registry import network as find_network
from faceparse.models.unfilled import Unfilled
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint
from faceparse.weights.importers import Form, Shapes

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
    options = _with_classes(file, options)
    given = {option: options.pop(option) for option in entry.parts if option in options}
    shapes = _shapes(entry, options)
    missing = _missing(entry, shapes, file.tensors)
    fault = _nearest(entry, shapes, missing, file.tensors)
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


def _of(part: Part, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    return {k: v for k, v in shapes.items() if k.startswith(part.prefix)}


def _missing(entry: Entry, shapes: Shapes, state: Mapping[str, Tensor]) -> dict[str, Part]:
    """The parts of which a state dict has no tensor, in any of the network's forms."""
    published = {
        o: [k for f in entry.forms for k in f.expects(_of(p, shapes))] for o, p in entry.parts.items()
    }
    return {o: p for o, p in entry.parts.items() if not any(k in state for k in published[o])}


def _nearest(
    entry: Entry, shapes: Shapes, missing: Mapping[str, Part], state: Mapping[str, Tensor]
) -> _Fault:
    """How a state dict differs from the form that it comes nearest to, `missing` left out of account."""
    prefixes = tuple(p.prefix for p in missing.values())
    rest = {k: v for k, v in shapes.items() if not k.startswith(prefixes)}
    faults = [_compare(form, rest, state) for form in entry.forms]
    return min(faults, key=lambda f: (bool(f), -f.shared))


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
    fault = _compare(part.form, _of(part, shapes), file.tensors)
    if fault:
        raise WeightsError(f"{file.path} does not fit {name}, which takes {part.file}: {fault}")
    return part.form(file.tensors)


def fits(state: Mapping[str, Tensor], **options: Any) -> tuple[str, ...]:
    """Names of the registered networks that a state dict fits, in published or in our form.

    One that has all but a part with a file of its own fits too.

    Args:
        state: Tensor name → tensor.
        options: Given to each network's builder, as `num_classes=11`.
    """
    return tuple(name for name, entry in networks().items() if _fits(entry, _shapes(entry, options), state))


def _fits(entry: Entry, shapes: Shapes, state: Mapping[str, Tensor]) -> bool:
    return not _nearest(entry, shapes, _missing(entry, shapes, state), state)


@dataclass(frozen=True)
class _Fault:
    """How a state dict differs from what a form of a network expects; false where it does not."""

    form: Form
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mis_shaped: tuple[str, ...]
    shared: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.mis_shaped)

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "mis-shaped": self.mis_shaped}
        return "; ".join(f"{len(keys)} {kind} ({_some(keys)})" for kind, keys in kinds.items() if keys)


def _compare(form: Form, own: Shapes, state: Mapping[str, Tensor]) -> _Fault:
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


def _shapes(entry: Entry, options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = entry.build(**options).state_dict()
    return {k: tuple(v.shape) for k, v in state.items()}


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
    return f"The file fits none of the registered networks ({', '.join(networks())})"
