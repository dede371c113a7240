"""Whether a state dict is a network's: by names and shapes alone, in any of the forms it may come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from faceparse.models.registry import Entry, Network, Part, networks
from faceparse.weights.importers import Form, Shapes

_LISTED = 6
"""Keys of one kind that a message names before it counts the rest."""


def fits(state: Mapping[str, Tensor], **options: Any) -> tuple[str, ...]:
    """Names of the registered networks that a state dict fits, in published or in our form.

    One that has all but a part with a file of its own fits too.

    Args:
        state: Tensor name → tensor.
        options: Given to each network's builder, as `num_classes=11`.
    """
    return tuple(name for name, entry in networks().items() if _fits(entry, shapes_of(entry, options), state))


def _fits(entry: Entry, shapes: Shapes, state: Mapping[str, Tensor]) -> bool:
    return not nearest(entry, shapes, missing_parts(entry, shapes, state), state)


@dataclass(frozen=True)
class Fault:
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


def compare(form: Form, own: Shapes, state: Mapping[str, Tensor]) -> Fault:
    """How a state dict differs from `own` shapes in that form."""
    expected = form.expects(own)
    found = {k: tuple(v.shape) for k, v in state.items() if form.uses(k)}
    both = [k for k in expected if k in found]
    return Fault(
        form,
        tuple(k for k in expected if k not in found),
        tuple(k for k in found if k not in expected),
        tuple(f"{k} is {found[k]}, not {expected[k]}" for k in both if found[k] != expected[k]),
        len(both),
    )


def shapes_of(entry: Entry, options: Mapping[str, Any]) -> Shapes:
    """The shapes of a network's own state dict; nothing is allocated."""
    return _built_shapes(entry.build, *options.items())


@cache
def _built_shapes(build: Callable[..., Network], *options: tuple[str, Any]) -> Shapes:
    with torch.device("meta"):
        state = build(**dict(options)).state_dict()
    return MappingProxyType({k: tuple(v.shape) for k, v in state.items()})


def part_of(part: Part, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The shapes of a part."""
    return {k: v for k, v in shapes.items() if k.startswith(part.prefix)}


def missing_parts(entry: Entry, shapes: Shapes, state: Mapping[str, Tensor]) -> dict[str, Part]:
    """The parts of which a state dict has no tensor, in any of the network's forms."""
    published = {
        o: [k for f in entry.forms for k in f.expects(part_of(p, shapes))] for o, p in entry.parts.items()
    }
    return {o: p for o, p in entry.parts.items() if not any(k in state for k in published[o])}


def without(parts: Mapping[str, Part], shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The shapes of all but some parts."""
    prefixes = tuple(part.prefix for part in parts.values())
    return {k: v for k, v in shapes.items() if not k.startswith(prefixes)}


def nearest(entry: Entry, shapes: Shapes, missing: Mapping[str, Part], state: Mapping[str, Tensor]) -> Fault:
    """How a state dict differs from the form that it comes nearest to, `missing` left out of account."""
    faults = [compare(form, without(missing, shapes), state) for form in entry.forms]
    return min(faults, key=lambda f: (bool(f), -f.shared))


def _some(keys: Iterable[str]) -> str:
    listed = list(keys)
    rest = len(listed) - _LISTED
    return ", ".join(listed[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
