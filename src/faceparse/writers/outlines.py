"""Outlines of masks as polygons along the pixels' edges, exact, without holes.

>>> import numpy as np
>>> [p.tolist() for p in polygons(np.array([[0, 1, 1], [0, 1, 1]], np.uint8))]
[[[1, 0], [1, 2], [3, 2], [3, 0]]]

A hole is joined to the outside by a cut of no width, along the upper edge of its first pixel to the left: one
ring then goes round the region and round its holes, its area is the region's, and every fill rule fills it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError

Points = NDArray[np.int32]

FARTHEST = 1000
"""Pixels that an outline may stray at most."""


def polygons(mask: NDArray[np.uint8] | NDArray[np.bool_], tolerance: float = 0) -> list[Points]:
    """The polygons of a mask, H × W, one per connected piece (neighbours at corners count), from the top left.

    Args:
        mask: Not 0 inside.
        tolerance: Leave out points as long as the outline stays within so many pixels of the true one, 0
            (exact) to 1000. Pieces that would shrink to less than a triangle keep their true outline.

    Returns:
        Each n × 2 int32: x, y of its corners in picture points (the picture's corner is 0, 0), in order.

    Raises:
        ConfigError: a tolerance out of range.
    """
    if not 0 <= tolerance <= FARTHEST:
        raise ConfigError(f"tolerance is a distance in pixels, 0 to {FARTHEST}, got {tolerance}")
    inside = (np.asarray(mask) != 0).view(np.uint8)
    x, y, width, height = cv2.boundingRect(inside)
    if not width:
        return []
    piece = np.ascontiguousarray(inside[y : y + height, x : x + width])
    fine = cv2.resize(piece, (2 * width, 3 * height), interpolation=cv2.INTER_NEAREST)
    for row, start, stop in _cuts(piece):
        fine[3 * row, 2 * start : 2 * stop] = 0
    traced, _ = cv2.findContours(fine, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    corners = (
        _corners(np.asarray(contour[:, 0], np.int32)) + np.array([x, y], np.int32) for contour in traced
    )
    rings = [_simplified(ring, tolerance) if tolerance else ring for ring in corners]
    return sorted(rings, key=lambda ring: tuple(ring[:, ::-1].min(0)))


def _cuts(piece: NDArray[np.uint8]) -> list[list[int]]:
    """Row, first column and last (excluded) of a cut through the mask to the left of each hole."""
    outside = np.pad(1 - piece, 1, constant_values=1)
    _, parts = cv2.connectedComponents(outside, connectivity=4)
    flat = outside.reshape(-1)
    begins = np.flatnonzero(flat[1:] > flat[:-1]) + 1  # of runs outside; before each, a run of the mask ends
    part = parts.reshape(-1)[begins]
    _, first = np.unique(part, return_index=True)  # in reading order, of each connected part of the outside
    stops = begins[first[part[first] != parts[0, 0]]]
    entries = np.flatnonzero(flat[1:] < flat[:-1]) + 1  # where runs of the mask begin
    starts = entries[np.searchsorted(entries, stops) - 1]
    rows, width = stops // outside.shape[1], outside.shape[1]
    cuts: list[list[int]] = np.stack([rows - 1, starts % width - 1, stops % width - 1], 1).tolist()
    return cuts


def _corners(contour: Points) -> Points:
    """A contour's pixels, of a mask 2 times as wide and 3 times as high, → corners on the mask's pixel edges.

    A pixel's left half lies on its left edge, its right half on its right one; its upper third, and the
    middle one below a cut, on its upper edge, its lower third on its lower one.
    """
    ring = (contour + 1) // np.array([2, 3], np.int32)
    ring = ring[(ring != np.roll(ring, 1, 0)).any(1)]
    before, after = ring - np.roll(ring, 1, 0), np.roll(ring, -1, 0) - ring
    straight = before[:, 0] * after[:, 1] == before[:, 1] * after[:, 0]
    onwards = (before * after).sum(1) > 0
    return np.asarray(ring[~(straight & onwards)])


def _simplified(ring: Points, tolerance: float) -> Points:
    fewer = cv2.approxPolyDP(ring[:, None], tolerance, closed=True)[:, 0]
    return np.asarray(fewer, np.int32) if len(fewer) > 2 else ring
