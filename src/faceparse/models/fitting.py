"""Comparison of state dicts with networks by tensor names and shapes, for each naming of tensors that files use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from faceparse.models.registry import Entry, Network, Part, networks
from faceparse.weights.importers import Renaming, Shapes

_MOST_NAMES = 6
"""Maximal number of keys that a message names for each fault; the message counts the others."""


def fits(state: Mapping[str, Tensor], **options: Any) -> tuple[str, ...]:
    """Return the names of the registered networks that a state dict fits, with published or faceparse's tensor names.

    A state dict may lack a part that comes in a separate file.

    Args:
        state: Tensor name → tensor.
        options: Options of each network's builder, such as `num_classes=11`.
    """
    return tuple(name for name, entry in networks().items() if not compare_best(entry, options, state)[0])


@dataclass(frozen=True)
class Mismatch:
    """The differences between a state dict and a network's tensors in one naming; false without differences."""

    form: Renaming
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mis_shaped: tuple[str, ...]
    shared: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.mis_shaped)

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "mis-shaped": self.mis_shaped}
        return "; ".join(f"{len(keys)} {kind} ({_names(keys)})" for kind, keys in kinds.items() if keys)


def compare(form: Renaming, shapes: Shapes, state: Mapping[str, Tensor]) -> Mismatch:
    """Compare a state dict with a network's shapes in the naming `form`."""
    expected = form.expects(shapes)
    actual = {k: tuple(v.shape) for k, v in state.items() if form.uses(k)}
    shared = [k for k in expected if k in actual]
    return Mismatch(
        form,
        tuple(k for k in expected if k not in actual),
        tuple(k for k in actual if k not in expected),
        tuple(f"{k} is {actual[k]}, not {expected[k]}" for k in shared if actual[k] != expected[k]),
        len(shared),
    )


def compare_best(
    entry: Entry, options: Mapping[str, Any], state: Mapping[str, Tensor]
) -> tuple[Mismatch, dict[str, Part]]:
    """Return the mismatch for the naming that fits a state dict best, and the parts that the state dict lacks."""
    shapes = shapes_of(entry, options)
    absent = {o: p for o, p in entry.parts.items() if not _has_part(entry, p, shapes, state)}
    expected = without(absent, shapes)
    mismatches = [compare(form, expected, state) for form in entry.forms]
    return min(mismatches, key=lambda m: (bool(m), -m.shared)), absent


def _has_part(entry: Entry, part: Part, shapes: Shapes, state: Mapping[str, Tensor]) -> bool:
    inner = shapes_of_part(part, shapes)
    return any(key in state for form in entry.forms for key in form.expects(inner))


def shapes_of(entry: Entry, options: Mapping[str, Any]) -> Shapes:
    """Return the shapes of a network's state dict, without allocating memory for tensors."""
    return _built_shapes(entry.build, *options.items())


@cache
def _built_shapes(build: Callable[..., Network], *options: tuple[str, Any]) -> Shapes:
    with torch.device("meta"):
        state = build(**dict(options)).state_dict()
    return MappingProxyType({k: tuple(v.shape) for k, v in state.items()})


def shapes_of_part(part: Part, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a part's tensors."""
    return {k: v for k, v in shapes.items() if k.startswith(part.prefix)}


def without(parts: Mapping[str, Part], shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all tensors that do not belong to one of `parts`."""
    prefixes = tuple(part.prefix for part in parts.values())
    return {k: v for k, v in shapes.items() if not k.startswith(prefixes)}


def _names(keys: Sequence[str]) -> str:
    rest = len(keys) - _MOST_NAMES
    return ", ".join(keys[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
