"""Label schemes: which number means which class.

>>> from faceparse.labels import scheme
>>> celeb = scheme("celebamask19")
>>> celeb.id("hair")
17
>>> celeb.ids("lips")
(12, 13)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels.groups import ALIASES, GROUPS
from faceparse.labels.palette import palette
from faceparse.registry import mend, nearest, room

IGNORE = 255
"""Label of an ignored pixel, which does not count; never the label of a class."""
LEFT = ("subject", "viewer", "unverified")
"""Values of `Scheme.left_means`."""


@dataclass(frozen=True)
class Scheme:
    """An ordered list of class names; a label is a position in this list.

    >>> Scheme("bald2", ("background", "scalp")).id("scalp")
    1

    Args:
        name: Short name, unique among the schemes in use.
        classes: Class names in label order: 1 to 255 different names, the first usually `background`.
        title: One line for people that says where the scheme comes from.
        left_means: `subject` if `l_eye` is the subject's left eye (in the right half of a portrait that faces
            the viewer), `viewer` if it is the eye in the left half, `unverified` if this is not known.
        tables_to: Conversion tables to other schemes, `{target scheme: {class: target class or "ignore"}}`,
            for the classes that the target does not have under the same name.
        colours: RGB of classes whose colour differs from the one that `palette` gives them.
        pair_names: (left class, right class) pairs that swap in a mirrored picture; None: every
            `l_NAME` with its `r_NAME`.
        result_scheme: Name of the scheme to which a network's logits are converted; empty: this scheme. The
            logit of a result class is the highest logit of the classes here that convert to it.
        tables_from: Conversion tables from other schemes to this one,
            `{source scheme: {class there: class here or "ignore"}}`.
        merges: (class, classes of other schemes) pairs: the class stands for any one of these classes, as
            `eyes` for `l_eye` and `r_eye`. A class paired with no classes stands for all that this scheme
            lacks, as background does if only hair is labelled.

    Raises:
        LabelError: no classes, more than 255, a class named twice, a pair, colour or merge of an unknown
            class, or a `left_means` that is none of the three values.
    """

    name: str
    classes: tuple[str, ...]
    title: str = ""
    left_means: str = "subject"
    tables_to: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict, compare=False)
    pair_names: tuple[tuple[str, str], ...] | None = None
    result_scheme: str = ""
    tables_from: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)
    merges: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.classes, str) or not isinstance(self.classes, Iterable):
            raise LabelError(f"scheme {self.name!r}: classes must be a list of names; got {self.classes!r}")
        object.__setattr__(self, "classes", tuple(self.classes))
        if fault := self._fault():
            raise LabelError(f"scheme {self.name!r}: {fault}")

    def _fault(self) -> str:
        """Return what is wrong with the scheme; empty if nothing is."""
        classes = self.classes
        for name in classes:
            if not isinstance(name, str) or not name:
                return f"a class is a name, got {name!r}: write it in quotes"
        if not 1 <= len(classes) <= 255:
            return f"it has {len(classes)} classes; a label map of 8 bits takes 1 to 255"
        if len(set(classes)) < len(classes):
            return (
                f"it names {', '.join(sorted({c for c in classes if classes.count(c) > 1}))} more than once"
            )
        if self.left_means not in LEFT:
            return f"left_means is {', '.join(LEFT)}; got {self.left_means!r}"
        for source, table in self.tables_from.items():
            for foreign, goal in table.items():
                if goal not in (*classes, "ignore"):
                    fault = f"{source}'s {foreign} becomes {goal!r}, which is no class here"
                    return fault + mend(goal, classes)
        paired = [name for pair in self.pair_names or () for name in pair]
        for name in (*paired, *self.colours, *dict(self.merges)):
            if name not in classes:
                return f"it has a merge, pair or colour for {name!r}, but no such class"
        if sum(not members for _, members in self.merges) > 1:
            return "one class at most stands for the rest of another scheme's"
        if len(paired) != len(set(paired)):
            return f"it pairs a class more than once: {self.pair_names}"
        return ""

    def __len__(self) -> int:
        return len(self.classes)

    def __contains__(self, name: object) -> bool:
        return name in self.classes

    def id(self, name: str) -> int:
        """Return the label of one class, by name or alias (`glasses` for `eye_g`).

        Raises:
            LabelError: the scheme has no such class.
        """
        name = name if name in self.classes else ALIASES.get(name, name)
        if name not in self.classes:
            raise self._unknown(name)
        return self.classes.index(name)

    def ids(self, name: str) -> tuple[int, ...]:
        """Return the labels of a class, an alias or a group (`face`, `lips`, `eyes`, `brows`, `ears`), ascending.

        Of a group, only classes that the scheme has count. A class wins over a group of the same name.

        Raises:
            LabelError: no such class, and no such group with a class in this scheme.
        """
        if not isinstance(name, str):
            raise LabelError(f"a class or group is a name, such as {self.classes[-1]!r}; got {name!r}")
        if name in self.classes or ALIASES.get(name) in self.classes:
            return (self.id(name),)
        members = tuple(i for i, c in enumerate(self.classes) if c in GROUPS.get(name, ()))
        if not members:
            raise self._unknown(name)
        return members

    def _unknown(self, name: str) -> LabelError:
        groups = [g for g, members in GROUPS.items() if any(c in members for c in self.classes)]
        near = nearest(name, [*self.classes, *groups, *ALIASES])
        hint = room("labels").home(name) or (f" Did you mean {near[0]!r}?" if near else "")
        there = f"Classes: {' '.join(self.classes)}. Groups: {' '.join(groups)}."
        return LabelError(f"scheme {self.name!r} has no class or group {name!r}.{hint} {there}")

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(left, right) pairs of labels: of `pair_names`, or of each `l_X` with its `r_X`; `l_lip`, the lower lip, has none."""
        names = self.pair_names
        if names is None:
            lefts = [c for c in self.classes if c.startswith("l_") and "r_" + c[2:] in self.classes]
            names = tuple((c, "r_" + c[2:]) for c in lefts)
        return tuple((self.classes.index(left), self.classes.index(right)) for left, right in names)

    @cached_property
    def flip_table(self) -> NDArray[np.uint8]:
        """Label in the picture → label in the picture mirrored left to right, 256 uint8."""
        table = np.arange(256, dtype=np.uint8)
        for left, right in self.pairs:
            table[left], table[right] = right, left
        table.setflags(write=False)
        return table

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """RGB colour of each label, 256 × 3 uint8; black for labels without a class."""
        return palette(self.classes, self.colours)

    def flip(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mirror a label map (…, H, W) left to right, and swap left and right classes."""
        return np.ascontiguousarray(self.flip_table[labels[..., ::-1]])

    def check(self, labels: NDArray[np.uint8], what: str = "label map") -> None:
        """Raise a `LabelError` if a uint8 label map has labels that are neither a class nor 255 (ignore)."""
        bad = np.flatnonzero(count(labels)[len(self) : IGNORE]) + len(self)
        if bad.size:
            values = ", ".join(map(str, bad[:5])) + (" …" if bad.size > 5 else "")
            allowed = f"scheme {self.name!r} has labels 0 to {len(self) - 1} and {IGNORE} for ignore"
            raise LabelError(f"{what} holds {values}, but {allowed}: is it another scheme's?")


def count(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each of the 256 labels in a uint8 label map of any shape."""
    total = np.zeros(256, np.int64)
    flat = labels.reshape(-1)
    for start in range(0, flat.size, 1 << 20):  # in chunks, because bincount needs eight bytes a pixel
        total += np.bincount(flat[start : start + (1 << 20)], minlength=256)
    return total
