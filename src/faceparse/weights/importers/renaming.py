"""A checkpoint format that differs from faceparse's only by names.

>>> zoo = Renaming({"body.": "trunk."}, unused=("fc.",))
>>> zoo({"body.conv1.weight": 1, "fc.bias": 2})
{'trunk.conv1.weight': 1}
>>> zoo.expects({"trunk.conv1.weight": (64, 3, 7, 7)})
{'body.conv1.weight': (64, 3, 7, 7)}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

Shapes = Mapping[str, tuple[int, ...]]
"""Tensor name → shape."""


@dataclass(frozen=True)
class Renaming:
    """Prefix rules between a published state dict and faceparse's, usable in both directions.

    A format that differs by more than names is a subclass.

    Attributes:
        rules: Published prefix → prefix in faceparse; if several match, the longest applies. A key without a matching
            rule keeps its name.
        unused: Published prefixes that the network does not need.
    """

    rules: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def uses(self, key: str) -> bool:
        """Return whether a published key is needed."""
        return not key.startswith(self.unused)

    def expects(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Return names and shapes that a published file must have, from the shapes of faceparse's state dict."""
        back = {local: published for published, local in self.rules.items()}
        return {_renamed(key, back): tuple(shape) for key, shape in shapes.items()}

    def __call__(self, state: Mapping[str, T]) -> dict[str, T]:
        """Convert a published state dict to faceparse's."""
        return {_renamed(key, self.rules): value for key, value in state.items() if self.uses(key)}


OWN = Renaming()
"""The rules for faceparse's own names, which rename nothing."""


def _renamed(key: str, rules: Mapping[str, str]) -> str:
    fitting = max((p for p in rules if key.startswith(p)), key=len, default=None)
    return key if fitting is None else rules[fitting] + key[len(fitting) :]
