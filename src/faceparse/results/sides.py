"""Whether a model tells left from right: one published BiSeNet labels every eye, brow and ear as the left one.

>>> import numpy as np
>>> from faceparse.labels import scheme
>>> from faceparse.results import View
>>> sides = Sides(scheme("celebamask19"))
>>> logits = np.zeros((19, 2, 2), np.float32)
>>> logits[4] = 1  # l_eye
>>> for picture in range(10):
...     sides.add([View(logits, np.eye(2, 3))])
>>> sides.note()[:64]
'all is l_eye and nothing r_eye in the 10 pictures that have them'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import TypeVar

import numpy as np

from faceparse.labels import Scheme
from faceparse.results import Parsing, View

ENOUGH = 10
"""Pictures with a class that has sides, of which fewer say nothing."""

RARE = 0.001
"""A side that has less than this part of the pixels of both does not occur."""

SAMPLES = 64
"""Rows and columns of a view's grid that are looked at, at most, so that counting costs little beside the network."""

Picture = TypeVar("Picture")


class Sides:
    """Counts the sides that a model's views name, picture by picture; thread-safe.

    Args:
        scheme: Of the views' classes.
    """

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._lock = Lock()
        self._pixels = np.zeros(len(scheme), np.int64)
        self._pictures = 0

    def watching(self, parse: Callable[[Picture], Parsing]) -> Callable[[Picture], Parsing]:
        """`parse`, counting what it gives on the way."""

        def watched(picture: Picture) -> Parsing:
            parsing = parse(picture)
            self.add(parsing.views)
            return parsing

        return watched if self._scheme.pairs else parse

    def add(self, views: Iterable[View]) -> None:
        """Count one picture."""
        pixels = np.zeros(len(self._scheme), np.int64)
        for view in views:
            down, across = (-(-side // SAMPLES) for side in view.logits.shape[1:])
            winners = view.logits[:, ::down, ::across].argmax(0)
            pixels += np.bincount(winners.ravel(), minlength=len(pixels))
        sided = any(pixels[label] for pair in self._scheme.pairs for label in pair)
        with self._lock:
            self._pixels += pixels
            self._pictures += sided

    def note(self) -> str:
        """A line where one side never occurs in pictures enough; else empty."""
        pairs = [p for p in self._scheme.pairs if self._pixels[list(p)].any()]
        if self._pictures < ENOUGH or not pairs:
            return ""
        left, right = (sum(int(self._pixels[p[side]]) for p in pairs) for side in (0, 1))
        if min(left, right) >= RARE * (left + right):
            return ""
        there, missing = (0, 1) if left > right else (1, 0)
        names = [self._scheme.classes[p[there]] for p in pairs]
        others = [self._scheme.classes[p[missing]] for p in pairs]
        return (
            f"all is {_listed(names, 'and')} and nothing {_listed(others, 'or')} in the {self._pictures} pictures that "
            "have them: unless they are all profiles, this model does not tell left from right; take the groups eyes, "
            "brows and ears, or another model"
        )


def _listed(names: list[str], word: str) -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]
