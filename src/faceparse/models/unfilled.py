"""Building a network whose parameters a checkpoint is to fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class Unfilled(TorchFunctionMode):
    """Within it, on this thread, parameters stay as memory gave them.

    >>> with Unfilled():
    ...     network = nn.Linear(4096, 4096)

    Filling them at random takes longer than reading a file. Buffers become what they always become: some are in
    no checkpoint.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        target = args[0] if args else named.get("tensor")
        if func in _FILLING and isinstance(target, nn.Parameter):
            return target
        return func(*args, **named)


_FILLING = frozenset(
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
