"""Building a network without initial values, because a checkpoint will set them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class Uninitialised(TorchFunctionMode):
    """A context in which new parameters on this thread are not initialised.

    >>> with Uninitialised():
    ...     network = nn.Linear(4096, 4096)

    Random initialisation takes longer than reading a checkpoint. Buffers get their usual values, because
    checkpoints lack some of them.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        target = args[0] if args else (kwargs or {}).get("tensor")
        if func in _INITIALISERS and isinstance(target, nn.Parameter):
            return target
        return func(*args, **(kwargs or {}))


_INITIALISERS = {
    *(
        function
        for name, function in vars(nn.init).items()
        if name.endswith("_") and not name.startswith("_")
    ),
    *(getattr(Tensor, name) for name in ("add_", "clamp_", "erfinv_", "mul_", "normal_", "uniform_")),
}
