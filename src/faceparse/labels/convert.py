"""Conversion between label schemes: by class name, and by declared tables for classes without a namesake.

>>> from faceparse.labels import conversion
>>> to_lapa = conversion("celebamask19", "lapa11")
>>> to_lapa.target.classes[to_lapa.table[17]]
'hair'
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels.registry import PACKAGED
from faceparse.labels.registry import scheme as find_scheme
from faceparse.labels.scheme import IGNORE, Scheme


@dataclass(frozen=True, eq=False)
class Conversion:
    """A table that converts labels of one scheme to labels of another.

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
"""Ways to convert left and right classes: keep the name, or keep the subject's side."""


def conversion(source: str | Scheme, target: str | Scheme, sides: str = "subject") -> Conversion:
    """Return the table that converts labels of `source` to labels of `target`.

    A class becomes the class of the same name, unless a table in the source's or the target's file says
    otherwise. A class that the target lacks becomes the class of the target that merges it, if any
    (`Scheme.merges`).

    Args:
        source: Scheme of the labels to convert.
        target: Scheme to convert to.
        sides: `subject`: an eye stays the same eye; left and right classes swap names if one scheme means the
            subject's left and the other the viewer's (`Scheme.left_means`). `name`: left stays left by name.

    Raises:
        LabelError: an unknown scheme, other `sides`, or a class with no counterpart or several counterparts
            in the target; the message names the class.
    """
    if sides not in SIDES:
        raise LabelError(f"sides is {' or '.join(SIDES)}, got {sides!r}")
    source, target = find_scheme(source), find_scheme(target)
    goals = {name: _goal(name, source, target) for name in source.classes}
    missing = [name for name, goal in goals.items() if goal is None]
    if missing:
        raise LabelError(f"cannot convert {source.name} to {target.name}: {_reason(missing, source, target)}")
    table = np.full(256, IGNORE, np.uint8)
    for label, goal in enumerate(goals.values()):
        if goal != "ignore":
            table[label] = target.classes.index(str(goal))
    if sides == "subject" and {source.left_means, target.left_means} == {"subject", "viewer"}:
        table = table[source.flip_table]
    table.setflags(write=False)
    return Conversion(source, target, table)


def _reason(missing: list[str], source: Scheme, target: Scheme) -> str:
    """Return why the classes `missing` have no counterpart in the target, and what to do about it."""
    if merged := [name for name in missing if name in dict(source.merges)]:
        hint = f"compare in scheme {source.name} instead (--scheme {source.name})"
        return f"{', '.join(merged)} may be any of several classes there; {hint}"
    fault = f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no class there"
    for scheme, key, other in ((source, "to", target), (target, "from", source)):
        if scheme.name not in PACKAGED:
            row = f"`{key}: {{{other.name}: {{{missing[0]}: CLASS}}}}` to {scheme.name}'s YAML"
            return (
                f"{fault}: add {row}, or tables_{key}= to its Scheme; CLASS is one of {target.name} or ignore"
            )
    return f"{fault}, and a class cannot be split"


def _declared(source: Scheme, target: Scheme) -> dict[str, str]:
    return {**target.tables_from.get(source.name, {}), **source.tables_to.get(target.name, {})}


def _goal(name: str, source: Scheme, target: Scheme) -> str | None:
    """Return the class of `target` that a class of `source` becomes, or `ignore`; None if there is not exactly one."""
    goal = _declared(source, target).get(name)
    if goal is not None:
        return goal if goal == "ignore" or goal in target else None
    source_merges, target_merges = dict(source.merges), dict(target.merges)
    if name in source_merges:
        members = candidates(name, source, target)
        if len(members) == 1:
            return members[0]
        if name in target and target_merges.get(name) == source_merges[name]:
            return name
        return next((c for c, classes in target_merges.items() if classes == members), None)
    if name in target:
        return name
    goals = [c for c, classes in target_merges.items() if name in classes]
    goals += [c for c, classes in target_merges.items() if not classes]
    return goals[0] if goals else None


def candidates(name: str, source: Scheme, target: Scheme) -> tuple[str, ...]:
    """Return the classes of `target` that a merged class of `source` may stand for, in the target's order.

    >>> from faceparse.labels import scheme
    >>> candidates("background", scheme("hair2"), scheme("ourface11"))[:3]
    ('background', 'skin', 'eyes')
    """
    merged = dict(source.merges)
    single = [c for c in target.classes if c not in dict(target.merges)]
    if merged[name]:
        return tuple(c for c in single if c in merged[name])
    declared = _declared(source, target)
    taken = {declared.get(c, c) for c in source.classes if c not in merged}
    taken.update(c for members in merged.values() for c in members)
    return tuple(c for c in single if c not in taken)


def with_open_classes(target: Scheme, *sources: Scheme) -> Scheme:
    """Return the target scheme with one more class for each set of its classes that a source does not tell apart.

    >>> from faceparse.labels import scheme
    >>> hair = with_open_classes(scheme("ourface11"), scheme("hair2"))
    >>> hair.classes[11:], len(dict(hair.merges)["hair2 background"])
    (('hair2 background',), 10)

    The `merges` of the result list the classes of the target that each added class may be. If no class is
    added, the result is the target itself.

    Args:
        target: Scheme in which labels are learned or compared.
        sources: Schemes of the labels. A source converts to the result if all its classes, except merged
            classes, convert to the target.
    """
    sets: dict[tuple[str, ...], str] = {}
    sides = [(target.classes[left], target.classes[right]) for left, right in target.pairs]
    mirror = {**dict(sides), **{b: a for a, b in sides}}
    for source in sources:
        for name, _ in source.merges:
            members = candidates(name, source, target)
            if len(members) < 2 or name in _declared(source, target) or members in sets:
                continue
            label = sets[members] = f"{source.name} {name}"
            flipped = {mirror.get(c, c) for c in members}
            if flipped != set(members):
                other = tuple(c for c in target.classes if c in flipped)
                sides.append((label, sets.setdefault(other, f"{label} mirrored")))
    if not sets:
        return target
    classes = (*target.classes, *sets.values())
    merges = tuple((label, members) for members, label in sets.items())
    return replace(target, classes=classes, pair_names=tuple(sides), merges=(*target.merges, *merges))


def convert(
    labels: NDArray[np.uint8], source: str | Scheme, target: str | Scheme, sides: str = "subject"
) -> NDArray[np.uint8]:
    """Convert a uint8 label map of any shape from one scheme to another; see `conversion`.

    Raises:
        LabelError: as for `conversion`; labels that are not uint8 or not in the source scheme.
    """
    change = conversion(source, target, sides)
    labels = np.asarray(labels)
    if labels.dtype != np.uint8:
        raise LabelError(f"a label map is uint8, got {labels.dtype}: labels.astype(np.uint8)")
    change.source.check(labels)
    return change(labels)
