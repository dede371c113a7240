"""The colours of overlays: a scheme's colours, changed where two are close.

>>> from faceparse.labels import scheme
>>> tints(scheme("celebamask19")).colours["hair"]
(0, 0, 204)
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme
from faceparse.labels.palette import COLOURS

CLOSE = 51
"""Euclidean distance in RGB (0 to 255) up to which two colours count as close, hard to tell apart."""

_FAR = 102
"""Least distance of a changed colour from every other colour, if `_CUBE` has such a colour."""
_CUBE = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3, indexing="ij"), -1).reshape(-1, 3)
_LARGE = ("background", "skin", "hair")
"""Classes of large areas, which keep their colours; a class with a close colour gets another colour."""


def tints(scheme: Scheme) -> Scheme:
    """Return the scheme with colours for overlays, of which no two are close.

    A class keeps its colour unless the colour of an earlier class is close; then it gets the nearest colour
    that is far from all others. Colours that the scheme declares stay. Schemes with the same classes get the
    same colours.
    """
    names, declared = scheme.classes, {"background", *scheme.colours}
    rank = {name: place for place, name in enumerate(dict.fromkeys((*_LARGE, *COLOURS)))}
    order = sorted(names, key=lambda name: (name not in declared, rank.get(name, len(rank)), name))
    palette = scheme.palette[[names.index(name) for name in order]].tobytes()
    moved = _apart(palette, sum(name in declared for name in names))
    return replace(scheme, colours=dict(zip(order, moved, strict=True)))


@lru_cache(maxsize=32)
def _apart(palette: bytes, declared: int) -> tuple[tuple[int, int, int], ...]:
    """Change each colour that is close to an earlier one; the first `declared` colours stay."""
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3).astype(int)
    for i in range(declared, len(colours)):
        if _distances(colours[:i], colours[i]).min(initial=np.inf) <= CLOSE:
            others = np.delete(colours, i, 0)
            space = np.minimum(_distances(others[:, None], _CUBE).min(0), _FAR)
            shift = _distances(_CUBE, colours[i])
            colours[i] = _CUBE[np.lexsort((shift, -space))[0]]
    return tuple((int(r), int(g), int(b)) for r, g, b in colours)


def _distances(colours: NDArray[np.int_], others: NDArray[np.int_]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(colours - others, axis=-1))
