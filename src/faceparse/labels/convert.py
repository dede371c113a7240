"""Conversion between label schemes: by name, and by declared tables for the rest.

>>> from faceparse.labels import conversion
>>> to_lapa = conversion("celebamask19", "lapa11")
>>> to_lapa.target.classes[to_lapa.table[17]]
'hair'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels.registry import scheme
from faceparse.labels.scheme import IGNORE, Scheme


@dataclass(frozen=True, eq=False)
class Conversion:
    """A table from one scheme's labels to another's.

    Attributes:
        table: 256 uint8; `table[source label]` is the target label. 255 (ignore) stays 255.
    """

    source: Scheme
    target: Scheme
    table: NDArray[np.uint8]

    def __call__(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Convert a uint8 label map of any shape."""
        return self.table[labels]


SIDES = ("name", "subject")
"""What a conversion keeps of left and right: the name, or whose side it is."""


def conversion(source: str | Scheme, target: str | Scheme, sides: str = "name") -> Conversion:
    """How labels of `source` become labels of `target`.

    Classes of the same name map to each other; what is declared, in the source's file or in the target's, comes first.

    Args:
        source: Scheme of the labels at hand.
        target: Scheme wanted.
        sides: `name`: left stays left in name. `subject`: left and right trade places where one scheme
            means the subject's left and the other the viewer's (`Scheme.left_means`), so that an eye
            stays the same eye.

    Raises:
        LabelError: an unknown scheme or kind of side, or a class with neither a namesake nor a row (it
            names the class).
    """
    if sides not in SIDES:
        raise LabelError(f"sides is {' or '.join(SIDES)}, got {sides!r}")
    source, target = scheme(source), scheme(target)
    declared = {**target.from_.get(source.name, {}), **source.to.get(target.name, {})}
    table = np.full(256, IGNORE, np.uint8)
    missing: list[str] = []
    for i, name in enumerate(source.classes):
        goal = declared.get(name, name)
        if goal == "ignore":
            continue
        if goal not in target:
            missing.append(name)
            continue
        table[i] = target.id(goal)
    if missing:
        raise LabelError(
            f"cannot convert {source.name} to {target.name}: {', '.join(missing)} "
            f"{'has' if len(missing) == 1 else 'have'} no class there and no row is declared; "
            f"a class cannot be split, and a row [to.{target.name}] in {source.name}'s file or [from.{source.name}] in {target.name}'s declares a merge or ignore"
        )
    if sides == "subject" and {source.left_means, target.left_means} == {"subject", "viewer"}:
        table = table[source.flip_table]
    table.setflags(write=False)
    return Conversion(source, target, table)


def convert(
    labels: NDArray[np.uint8], source: str | Scheme, target: str | Scheme, sides: str = "name"
) -> NDArray[np.uint8]:
    """Convert a uint8 label map of any shape from one scheme to another; see `conversion`.

    Raises:
        LabelError: as for `conversion`; labels that are no uint8, or that the source scheme does not have.
    """
    change = conversion(source, target, sides)
    labels = np.asarray(labels)
    if labels.dtype != np.uint8:
        raise LabelError(
            f"a label map is uint8, got {labels.dtype}: labels.astype(np.uint8), if they are labels"
        )
    change.source.check(labels)
    return change(labels)
