"""Soft masks in strips: many of them, of pictures of any size, without any being whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.results.lookup import look_up, members
from faceparse.results.parsing import Parsing
from faceparse.results.render import TILE, render_probabilities

Rows = NDArray[np.unsignedinteger[Any]]
"""uint8 or uint16."""


def soft_strips(
    parsing: Parsing, groups: Sequence[Sequence[int]], bits: int = 8
) -> Iterator[tuple[slice, Rows]]:
    """Probabilities of groups of labels as whole numbers, strip by strip from the top.

    >>> for rows, (hair,) in soft_strips(parsing, [(17,)]):  # doctest: +SKIP
    ...     opacity[rows] = hair

    Args:
        parsing: A parsing; one made of a label map has the probabilities 0 and 1 alone.
        groups: Labels of its scheme; a group's probability is its labels' sum.
        bits: 8 or 16; probability 1 is 255 or 65535, in between the nearest whole number.

    Yields:
        The strip's rows, and groups × rows × W uint8 or uint16.
    """
    height, width = parsing.size
    dtype, full = np.dtype(f"uint{bits}"), np.float32(2**bits - 1)
    if parsing.label_map is not None:
        for y in range(0, height, TILE):
            rows = slice(y, min(y + TILE, height))
            inside = np.stack([look_up(members(ids), parsing.label_map[rows]) for ids in groups])
            yield rows, (inside * full).astype(dtype)
        return
    sources = [parsing._sources(ids) for ids in groups]
    strip: Rows | None = None
    for rows, columns, values in render_probabilities(parsing.views, parsing.size, sources):
        if strip is None:
            strip = np.empty((len(groups), rows.stop - rows.start, width), dtype)
        values *= full
        strip[:, :, columns] = np.rint(values, out=values)
        if columns.stop == width:
            yield rows, strip
            strip = None
