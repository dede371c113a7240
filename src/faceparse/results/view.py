"""A view: a network's logits at the network's own resolution, and their place on the picture.

>>> import numpy as np
>>> from faceparse.results import View
>>> to_grid = np.array([[1 / 16, 0, -0.5], [0, 1 / 16, -0.5]])  # cells of 16 pixels tile the picture
>>> View(np.zeros((19, 64, 64), np.float32), to_grid).classes
19

A *point* (x, y) of the picture is continuous: the pixel in column i and row j has its centre at
(i + 0.5, j + 0.5). Affine maps are 2 × 3: out = M @ [x, y, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceparse.errors import ResultError

LARGEST = 1e30
"""Largest absolute logit: larger values mean a broken network, and their differences could overflow."""

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False, repr=False)
class View:
    """One network output placed on the picture: the whole picture, an aligned face, a mirrored copy.

    Between grid samples, logits are interpolated bilinearly; outside the grid, the nearest edge sample
    counts.

    Args:
        logits: float32, classes × h × w, at the network's own resolution. The array is not copied, so do not
            change it afterwards.
        to_grid: 2 × 3 affine map from a picture point (x, y), px, to (column, row) in `logits`, of which row
            is axis 1 and column axis 2. With `before`, the map starts from the squashed point.
        frame: 2 × 3 affine map from picture points to the view's frame, [0, 1] × [0, 1]; outside the frame
            the view does not count. None: the view counts in the whole picture.
        feather: Fraction of the frame's side, 0 to 0.5, over which the view's alpha rises from 0 at the
            border to 1.
        layer: Views of a higher layer cover views of lower layers; views of one layer are averaged.
        before: 2 × 3 affine map of a warped view, applied to a picture point first; then
            `faceparse.results.squash` squashes each coordinate, and `to_grid` maps the result.

    Raises:
        ResultError: an array of another shape or kind, or a value that is not finite.
    """

    logits: NDArray[np.float32]
    to_grid: NDArray[np.float64]
    frame: NDArray[np.float64] | None = None
    feather: float = 0.1
    layer: int = 0
    before: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "logits", _logits(self.logits))
        for name in ("to_grid", "frame", "before"):
            if (matrix := getattr(self, name)) is not None:
                object.__setattr__(self, name, _affine(matrix, name))
        if not 0 <= self.feather <= 0.5:
            raise ResultError(f"feather is a fraction of the frame, 0 to 0.5; got {self.feather}")

    def __reduce__(self) -> tuple[object, ...]:  # through the constructor: unpickled arrays are read-only too
        return (View, tuple(getattr(self, f.name) for f in fields(self)))

    def __repr__(self) -> str:
        c, h, w = self.logits.shape
        where = "whole picture" if self.frame is None else "frame"
        return f"<View: {c} classes, {h}×{w} grid, {where}, layer {self.layer}>"

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.logits.shape[0])


def frozen(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return a read-only view of an array, or the array if it is read-only; the array itself stays as it is."""
    if array.flags.writeable:
        array = array.view()
        array.setflags(write=False)
    return array


def _logits(value: ArrayLike) -> NDArray[np.float32]:
    logits = np.asarray(value)
    if logits.ndim != 3 or 0 in logits.shape or not 1 <= logits.shape[0] <= 255:
        raise ResultError(f"logits are classes (1 to 255) × h × w, got shape {logits.shape}")
    if not np.issubdtype(logits.dtype, np.floating):
        raise ResultError(f"logits are floating-point, got {logits.dtype}")
    logits = np.ascontiguousarray(logits, np.float32)
    if not -LARGEST < logits.min() <= logits.max() < LARGEST:  # a NaN fails too
        raise ResultError(f"logits hold NaN or values beyond ±{LARGEST:g}: the network's output is broken")
    return frozen(logits)


def _affine(value: ArrayLike, name: str) -> NDArray[np.float64]:
    matrix = np.array(value, np.float64)
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
        raise ResultError(f"{name} is a 2 × 3 affine map of finite numbers, got {matrix.tolist()}")
    return frozen(matrix)
