"""Search for pictures that resemble each other, by small gray thumbnails."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.97
"""Least correlation of two thumbnails of pictures that count as nearly the same.

Among 5,000 CelebA-HQ portraits, which all have the same framing, eight pairs reach it: seven are two copies
or two shots of one scene, the eighth is not.
"""
_BLOCK = 1024


def pairs_alike(thumbs: NDArray[np.float32], threshold: float = ALIKE) -> Iterator[tuple[int, int, bool]]:
    """Yield (first, second, mirrored) for each pair of thumbnails that correlate, directly or mirrored.

    Brightness and contrast do not matter, because each thumbnail is normalised to mean 0 and length 1.

    Args:
        thumbs: Gray thumbnails, N × side²; a uniform thumbnail resembles nothing.
        threshold: Least correlation, 0 to 1.
    """
    if not thumbs.size:
        return
    side = round(thumbs.shape[1] ** 0.5)
    unit = thumbs - thumbs.mean(1, keepdims=True)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    unit = np.where(length > 1, unit / np.maximum(length, 1e-6), 0).astype(np.float32)
    flipped = np.ascontiguousarray(unit.reshape(-1, side, side)[..., ::-1]).reshape(unit.shape)
    for start in range(0, len(unit), _BLOCK):
        block = unit[start : start + _BLOCK]
        for other, mirrored in ((unit, False), (flipped, True)):
            first, second = np.nonzero(block @ other[start:].T >= threshold)
            for a, b in zip((first + start).tolist(), (second + start).tolist(), strict=True):
                if a < b:
                    yield a, b, mirrored
