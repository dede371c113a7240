"""Building a network whose parameters a checkpoint will fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class Uninitialised(TorchFunctionMode):
    """A context in which new parameters, on this thread, keep the values that memory happens to hold.

    >>> with Uninitialised():
    ...     network = nn.Linear(4096, 4096)

    Filling them at random takes longer than reading a file. Buffers get their usual values: some are in no
    checkpoint.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        target = args[0] if args else (kwargs or {}).get("tensor")
        if func in _INITIALISERS and isinstance(target, nn.Parameter):
            return target
        return func(*args, **(kwargs or {}))


_INITIALISERS = frozenset(
    [getattr(Tensor, name) for name in ("add_", "clamp_", "erfinv_", "mul_", "normal_", "uniform_")]
    + [
        getattr(torch.nn.init, f"{name}_")
        for name in (
            "kaiming_normal",
            "kaiming_uniform",
            "normal",
            "trunc_normal",
            "uniform",
            "xavier_normal",
            "xavier_uniform",
        )
    ]
)
