"""A check that a model tells left from right: one published BiSeNet labels every eye, brow and ear as the left one.

>>> import numpy as np
>>> from faceparse.labels import scheme
>>> from faceparse.results import View
>>> counter = SideCounter(scheme("celebamask19"))
>>> logits = np.zeros((19, 2, 2), np.float32)
>>> logits[4] = 1  # l_eye
>>> for picture in range(10):
...     counter.add([View(logits, np.eye(2, 3))])
>>> counter.note()[:51]
'in 10 pictures the model labels l_eye and no r_eye:'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import TypeVar

import numpy as np

from faceparse.labels import Scheme
from faceparse.results import Parsing, View

MIN_PICTURES = 10
"""Least number of pictures with left or right classes before `SideCounter.note` warns."""

MIN_SHARE = 0.001
"""Least fraction of the left and right pixels that one side must have; below it, the side counts as absent."""

SAMPLES = 64
"""Maximal rows and columns of a view's grid that are counted, so that counting costs little beside the network."""

Picture = TypeVar("Picture")


class SideCounter:
    """A thread-safe counter of the left and right classes that a model labels, picture by picture.

    Args:
        scheme: The scheme of the views' classes.
    """

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._lock = Lock()
        self._pixels = np.zeros(len(scheme), np.int64)
        self._pictures = 0

    def watch(self, parse: Callable[[Picture], Parsing]) -> Callable[[Picture], Parsing]:
        """Wrap `parse` so that each result is counted."""

        def parse_and_count(picture: Picture) -> Parsing:
            parsing = parse(picture)
            self.add(parsing.views)
            return parsing

        return parse_and_count if self._scheme.pairs else parse

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
        """Return a line that warns of a side that is absent; empty if both sides occur or pictures are too few."""
        pairs = [p for p in self._scheme.pairs if self._pixels[list(p)].any()]
        if self._pictures < MIN_PICTURES or not pairs:
            return ""
        left, right = (sum(int(self._pixels[p[side]]) for p in pairs) for side in (0, 1))
        if min(left, right) >= MIN_SHARE * (left + right):
            return ""
        names = [", ".join(self._scheme.classes[pair[side]] for pair in pairs) for side in (0, 1)]
        present, absent = names if left > right else reversed(names)
        return (
            f"in {self._pictures} pictures the model labels {present} and no {absent}: unless all faces "
            "are in profile, it does not tell left from right; use the groups eyes, brows and ears, or another model"
        )
