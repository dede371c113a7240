"""What every checkpoint format here is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Shapes = Mapping[str, tuple[int, ...]]
"""Tensor name → shape."""


class Form(Protocol):
    """A published state dict and ours, readable in both directions.

    A `Renaming` is one, and all that most formats need.
    """

    @property
    def project(self) -> str:
        """Whose format it is, for messages."""
        ...

    def uses(self, key: str) -> bool:
        """Whether a published key is of use."""
        ...

    def expects(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """What a published file must hold, from the shapes of our state dict."""
        ...

    def __call__(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Published state dict → ours."""
        ...
