"""Label schemes: which number means which class.

>>> from faceparse.labels import scheme
>>> celeb = scheme("celebamask19")
>>> celeb.id("hair")
17
>>> celeb.ids("lips")
(12, 13)
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import LabelError
from faceparse.labels.groups import ALIASES, GROUPS
from faceparse.labels.palette import palette

IGNORE = 255
"""Label of a pixel that counts neither for nor against: never a class id."""


@dataclass(frozen=True)
class Scheme:
    """An ordered list of class names; a label is a position in it.

    >>> Scheme("bald2", ("background", "scalp")).id("scalp")
    1

    Args:
        name: Short name, unique among the schemes in use.
        classes: Class names in label order; 1 to 255 of them, all different, id 0 usually `background`.
        title: One line for people: whose order this is.
        left_means: `subject` where `l_eye` is the subject's own left eye (on the right half of a
            portrait that faces the viewer), `viewer` where it is the one on the left half, `unverified`
            where nobody has looked.
        to: Declared conversion tables, `{target scheme: {class: target class or "ignore"}}`,
            for the classes that the target does not have under the same name.

    Raises:
        LabelError: no classes, more than 255, or one named twice.
    """

    name: str
    classes: tuple[str, ...]
    title: str = ""
    left_means: str = "subject"
    to: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "to", MappingProxyType(dict(self.to)))
        if not 1 <= len(self.classes) <= 255:
            raise LabelError(
                f"scheme {self.name!r} has {len(self.classes)} classes; a label map of 8 bits takes 1 to 255"
            )
        twice = sorted({c for c in self.classes if self.classes.count(c) > 1})
        if twice:
            raise LabelError(f"scheme {self.name!r} names {', '.join(twice)} more than once")

    def __reduce__(self) -> tuple[object, ...]:  # a MappingProxyType does not pickle
        return (Scheme, (self.name, self.classes, self.title, self.left_means, dict(self.to)))

    def __len__(self) -> int:
        return len(self.classes)

    def __contains__(self, name: object) -> bool:
        return name in self.classes

    def id(self, name: str) -> int:
        """Label of one class, by its name or an alias (`glasses` for `eye_g`).

        Raises:
            LabelError: the scheme has no such class.
        """
        name = name if name in self.classes else ALIASES.get(name, name)
        try:
            return self.classes.index(name)
        except ValueError:
            raise self._unknown(name) from None

    def ids(self, name: str) -> tuple[int, ...]:
        """Labels of a class, an alias or a group (`face`, `lips`, `eyes`, `brows`, `ears`), ascending.

        A group gives those of its classes that the scheme has. A class wins over a group of the same name.

        Raises:
            LabelError: neither a class nor a group with a class in this scheme.
        """
        if name in self.classes or ALIASES.get(name) in self.classes:
            return (self.id(name),)
        found = tuple(i for i, c in enumerate(self.classes) if c in GROUPS.get(name, ()))
        if not found:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> LabelError:
        groups = [g for g, members in GROUPS.items() if any(c in members for c in self.classes)]
        near = get_close_matches(name, [*self.classes, *groups, *ALIASES], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return LabelError(
            f"scheme {self.name!r} has no class or group {name!r}.{hint} "
            f"Classes: {' '.join(self.classes)}. Groups: {' '.join(groups)}."
        )

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(left, right) label pairs: classes `l_X` and `r_X`. `l_lip` is the lower lip and has no `r_lip`."""
        return tuple(
            (i, self.classes.index("r_" + c[2:]))
            for i, c in enumerate(self.classes)
            if c.startswith("l_") and "r_" + c[2:] in self.classes
        )

    @cached_property
    def flip_table(self) -> NDArray[np.uint8]:
        """256 labels: where each label goes when the picture is mirrored left to right."""
        table = np.arange(256, dtype=np.uint8)
        for left, right in self.pairs:
            table[left], table[right] = right, left
        table.setflags(write=False)
        return table

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """RGB colours, 256 × 3 uint8: the classes', then black; stable for a class name in any scheme."""
        return palette(self.classes)

    def flip(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mirror a label map (…, H, W) left to right, swapping left and right classes. Twice is identity."""
        return np.ascontiguousarray(self.flip_table[labels[..., ::-1]])

    def check(self, labels: NDArray[np.uint8], what: str = "label map") -> None:
        """Raise a `LabelError` naming the labels of a uint8 map that are neither a class nor 255 (ignore)."""
        bad = np.flatnonzero(count(labels)[len(self) : IGNORE]) + len(self)
        if bad.size:
            raise LabelError(
                f"{what} holds {', '.join(map(str, bad[:5]))}{' …' if bad.size > 5 else ''}, but scheme "
                f"{self.name!r} has labels 0 to {len(self) - 1} and {IGNORE} for ignore: is it another scheme's?"
            )


def count(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels have each of the 256 labels, in a uint8 map of any shape."""
    total = np.zeros(256, np.int64)
    flat = labels.reshape(-1)
    for start in range(0, flat.size, 1 << 20):  # bincount takes eight bytes a pixel while it runs
        total += np.bincount(flat[start : start + (1 << 20)], minlength=256)
    return total


@cache
def schemes() -> Mapping[str, Scheme]:
    """Every scheme in the package by name, one TOML file each in `labels/schemes`."""
    found: dict[str, Scheme] = {}
    for entry in sorted(files("faceparse.labels").joinpath("schemes").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            raw = tomllib.loads(entry.read_text(encoding="utf-8"))
            found[raw["name"]] = Scheme(
                raw["name"], tuple(raw["classes"]), raw["title"], raw["left_means"], raw.get("to", {})
            )
    return MappingProxyType(found)


def scheme(name: str | Scheme) -> Scheme:
    """The scheme of that name; a `Scheme` passes through.

    Raises:
        LabelError: no such scheme.
    """
    if isinstance(name, Scheme):
        return name
    try:
        return schemes()[name]
    except KeyError:
        raise LabelError(f"no label scheme {name!r}; there are {', '.join(schemes())}") from None
