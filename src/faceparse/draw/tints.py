"""The colours of overlays: a scheme's, with close ones moved apart.

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
"""Two colours at most this far apart in RGB, by Euclidean distance, are taken for each other."""

_FAR = 102
"""How far from every other a moved colour is, if any colour of `_CUBE` is."""
_CUBE = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3, indexing="ij"), -1).reshape(-1, 3)
_LARGE = ("background", "skin", "hair")
"""Classes that keep their colours: of two close ones the smaller class moves."""


def tints(scheme: Scheme) -> Scheme:
    """The scheme with the colours of overlays: no two lie within `CLOSE`, and none is close to the
    background.

    A class keeps its colour unless an earlier class's is close; then it takes the nearest colour that is far
    from all others. Colours that a scheme declares stay. Schemes of the same classes have the same colours.
    """
    names, declared = scheme.classes, {"background", *scheme.colours}
    rank = {name: place for place, name in enumerate(dict.fromkeys((*_LARGE, *COLOURS)))}
    order = sorted(names, key=lambda name: (name not in declared, rank.get(name, len(rank)), name))
    palette = scheme.palette[[names.index(name) for name in order]].tobytes()
    moved = _apart(palette, sum(name in declared for name in names))
    return replace(scheme, colours=dict(zip(order, moved, strict=True)))


@lru_cache(maxsize=32)
def _apart(palette: bytes, declared: int) -> tuple[tuple[int, int, int], ...]:
    """Colours moved apart, each from those before it; the first few stay."""
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
