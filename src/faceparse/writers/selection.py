"""The option `classes` of an output form: which classes and groups to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faceparse.labels import ALIASES, GROUPS, Scheme
from faceparse.labels.registry import PACKAGED

BACKGROUND = "background"


def select(
    scheme: Scheme, chosen: Sequence[str], *, background: bool = False
) -> Mapping[str, tuple[int, ...]]:
    """Return name → labels of the chosen classes and groups, or of every class if none is chosen.

    >>> from faceparse.labels import scheme
    >>> dict(select(scheme("celebamask19"), ("glasses", "lips")))
    {'eye_g': (6,), 'lips': (12, 13)}

    Args:
        scheme: The scheme of the labels.
        chosen: Names of classes, aliases or groups.
        background: Whether "every class" includes the background.

    Raises:
        LabelError: the scheme has no class or group of that name.
    """
    if not chosen:
        return {c: (i,) for i, c in enumerate(scheme.classes) if background or c != BACKGROUND}
    return {name if name in scheme else ALIASES.get(name, name): scheme.ids(name) for name in chosen}


def selectable_names() -> list[str]:
    """Return every name that `select` may return with a scheme of the package."""
    return sorted({*GROUPS, *(c for s in PACKAGED.values() for c in s.classes)})
