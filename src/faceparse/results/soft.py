"""Soft masks in strips, so that no mask is whole in memory, however large the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.results.lookup import look_up, members
from faceparse.results.margins import Margins
from faceparse.results.parsing import Parsing
from faceparse.results.reach import FAINT, reach
from faceparse.results.render import TILE, render_probabilities

Rows = NDArray[np.unsignedinteger[Any]]
"""A strip's values, uint8 or uint16."""


def soft_masks(
    parsing: Parsing, groups: Sequence[Sequence[int]], faint: float = FAINT
) -> list[NDArray[np.float32]]:
    """Return a soft mask for each group of labels, H × W float32, 0 to 1; all are computed in one pass.

    A mask is `parsing.mask(names, soft=True)` in a box around all groups, and 0 elsewhere. Small regions cost what their
    box costs, and further groups cost little.

    Args:
        parsing: A parsing.
        groups: Groups of labels of the parsing's scheme; a group's probability is the sum over its labels.
        faint: Probability in the network's grid that is not worth a larger box.
    """
    if parsing.label_map is not None:
        return [look_up(members(ids), parsing.label_map).astype(np.float32) for ids in groups]
    masks = [np.zeros(parsing.size, np.float32) for _ in groups]
    sources = [parsing._sources(ids) for ids in groups]
    area = reach(parsing.views, parsing.size, sorted(set().union(*sources)), faint)
    for rows, columns, parts in render_probabilities(
        parsing.views, parsing.size, sources, parsing.image, area
    ):
        for mask, part in zip(masks, parts, strict=True):
            mask[rows, columns] = part
    return masks


def soft_strips(
    parsing: Parsing,
    groups: Sequence[Sequence[int]],
    bits: int = 8,
    *,
    edges: bool = True,
    margins: Margins = Margins(),  # noqa: B008
) -> Iterator[tuple[slice, Rows]]:
    """Yield soft masks of groups of labels as whole numbers, strip by strip, from the top; see `Parsing.mask`.

    >>> for rows, (hair,) in soft_strips(parsing, [(17,)]):  # doctest: +SKIP
    ...     opacity[rows] = hair

    Args:
        parsing: A parsing; one made from a label map has only the probabilities 0 and 1.
        groups: Groups of labels of the parsing's scheme; a group's probability is the sum over its labels.
        bits: 8 or 16: probability 1 becomes 255 or 65535, others the nearest whole number.
        edges: Whether the masks follow the picture's edges.
        margins: How far the masks' edges are moved and feathered.

    Yields:
        The strip's rows, and its masks, groups × rows × W uint8 or uint16.
    """
    strips = _probabilities(parsing, groups, bits, edges)
    margins = margins.in_pixels(parsing.face_side)
    return strips if margins == Margins() else _applied(margins, strips, parsing.size[0])


def _applied(
    margins: Margins, strips: Iterator[tuple[slice, Rows]], height: int
) -> Iterator[tuple[slice, Rows]]:
    """Yield strips with the margins applied; rows wait until the rows below that influence them have come."""
    first = done = 0  # the first row that is held, and the next row to yield
    held: Rows | None = None
    for rows, strip in strips:
        held = strip if held is None else np.concatenate([held, strip], axis=1)
        ready = height if rows.stop == height else rows.stop - margins.reach
        if ready > done:
            yield (
                slice(done, ready),
                np.stack([margins.applied(m)[done - first : ready - first] for m in held]),
            )
            done = ready
            kept = max(first, done - margins.reach)
            first, held = kept, held[:, kept - first :]


def _probabilities(
    parsing: Parsing, groups: Sequence[Sequence[int]], bits: int, edges: bool
) -> Iterator[tuple[slice, Rows]]:
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
    image = parsing.image if edges else None
    for rows, columns, values in render_probabilities(parsing.views, parsing.size, sources, image):
        if strip is None:
            strip = np.empty((len(groups), rows.stop - rows.start, width), dtype)
        values *= full
        strip[:, :, columns] = np.rint(values, out=values)
        if columns.stop == width:
            yield rows, strip
            strip = None
