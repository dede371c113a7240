"""Outlines of masks as polygons along the pixels' edges, exact, without holes.

>>> import numpy as np
>>> [p.tolist() for p in polygons(np.array([[0, 1, 1], [0, 1, 1]], np.uint8))]
[[[1, 0], [1, 2], [3, 2], [3, 0]]]

A cut of no width joins each hole to the outside, leftwards along the upper edge of the hole's first pixel.
One ring then encloses the region without its holes: its area is the region's, and every fill rule fills it
alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError

Points = NDArray[np.int32]

FARTHEST = 1000
"""Largest tolerance of an outline, in pixels."""


def polygons(mask: NDArray[np.uint8] | NDArray[np.bool_], tolerance: float = 0) -> list[Points]:
    """Return the polygons of a mask, H × W, from the top left: one per piece connected by edges or corners.

    Args:
        mask: Nonzero inside.
        tolerance: Largest distance in pixels of a simplified outline from the exact one, 0 (exact) to 1000.
            Pieces that would shrink to less than a triangle keep their exact outline.

    Returns:
        An n × 2 int32 array for each polygon: x, y of its corners in order; the picture's top left corner is
        0, 0.

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
    """Return row, first column and last column (exclusive) of the cut through the mask to the left of each hole."""
    outside = np.pad(1 - piece, 1, constant_values=1)
    _, parts = cv2.connectedComponents(outside, connectivity=4)
    flat = outside.reshape(-1)
    begins = np.flatnonzero(flat[1:] > flat[:-1]) + 1  # of runs outside; each ends a run of the mask
    part = parts.reshape(-1)[begins]
    _, first = np.unique(part, return_index=True)  # the first run of each connected part of the outside
    stops = begins[first[part[first] != parts[0, 0]]]
    entries = np.flatnonzero(flat[1:] < flat[:-1]) + 1  # where runs of the mask begin
    starts = entries[np.searchsorted(entries, stops) - 1]
    rows, width = stops // outside.shape[1], outside.shape[1]
    cuts: list[list[int]] = np.stack([rows - 1, starts % width - 1, stops % width - 1], 1).tolist()
    return cuts


def _corners(contour: Points) -> Points:
    """Convert a contour on the mask enlarged 2 × in width and 3 × in height to corners on the mask's pixel
    edges.

    A pixel's left half becomes its left edge and its right half its right edge. Its upper third becomes its
    upper edge and its lower third its lower edge; below a cut, the middle third becomes the upper edge, too.
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
