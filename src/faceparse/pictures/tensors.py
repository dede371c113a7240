"""Tensors as pictures: PyTorch's and other libraries', without importing those libraries."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ImageError


class Tensor(Protocol):
    """An object that NumPy can convert to an array."""

    def __array__(self) -> Any: ...


def from_tensor(tensor: Any) -> NDArray[np.uint8]:
    """Convert a tensor to an array with its channels last; floats from 0 to 1 become uint8.

    >>> from_tensor(np.full((3, 20, 30), 0.2, np.float32))[0, 0]
    array([51, 51, 51], dtype=uint8)

    Args:
        tensor: RGB, 3 × H × W or H × W × 3 (no picture has a side of 3 px); uint8, or float from 0 to 1.

    Raises:
        ImageError: floats outside 0 to 1. The caller checks other shapes and types.
    """
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = tensor.float() if tensor.is_floating_point() else tensor  # NumPy has no bfloat16
    values = np.asarray(tensor)
    if values.ndim == 3 and values.shape[0] == 3 != values.shape[2]:
        values = values.transpose(1, 2, 0)
    if values.dtype.kind == "f" and values.size:
        low, high = values.min(), values.max()
        if not (low >= 0 and high <= 1):  # NaN fails, too
            raise ImageError(f"expected a tensor of floats from 0 to 1; got {low} to {high}: scale it")
        values = np.rint(values * 255).astype(np.uint8)
    return np.ascontiguousarray(values)
