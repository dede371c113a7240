"""PyTorch (extra `torch`): runs our .safetensors files, and foreign ones with a card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import EngineError, MissingExtraError
from faceparse.runtime.engines.engine import image_of, logits_for
from faceparse.runtime.engines.registry import EngineKind, register
from faceparse.weights.card import Card
from faceparse.weights.modelfile import find_model


class TorchEngine:
    """Runs a network of ours with PyTorch.

    >>> engine = TorchEngine("model.safetensors", device="cuda")  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # doctest: +SKIP

    Args:
        path: The file.
        card: Its card, which names the network; None for the one inside.
        device: As PyTorch names it: `cpu`, `cuda`, `cuda:1`, `mps`.
        threads: Not used: PyTorch's threads belong to the whole process (`torch.set_num_threads`).

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: not a checkpoint, without a card, or of another network.
        EngineError: unknown device, or one that is not on this machine.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        card: Card | None = None,
        *,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        torch = _torch()
        from faceparse.models import load

        self.card = card or find_model(path).card
        self._torch = torch
        self._device = _device(torch, device)
        network = load(self.card.network, Path(path))
        self._network = network.to(self._device).to(memory_format=torch.channels_last)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Engine.run`."""
        image = image_of(inputs)
        torch = self._torch
        # A copy, unlike from_numpy: an array may be read-only, and channels-last needs one in any case.
        tensor = torch.tensor(image).to(self._device, memory_format=torch.channels_last)
        try:
            with torch.inference_mode():
                logits = self._network.grid_logits(tensor).float().cpu()
        except RuntimeError as error:  # out of memory, or a size that the network does not take
            reason = " ".join(str(error).split())[:300]
            raise EngineError(f"{self.card.network} failed on input {image.shape}: {reason}") from error
        return {"logits": logits_for(image, np.ascontiguousarray(logits.numpy()), self.card)}


def _torch() -> ModuleType:
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtraError("torch", "torch", "engine 'torch'") from None
    return torch


def _device(torch: Any, name: str) -> Any:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        there = ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
        reason = str(error).strip().split("\n")[0][:200]
        raise EngineError(
            f"device {name!r} is not usable by engine 'torch' (torch {torch.__version__}: {reason}); "
            f"there are {', '.join(there)}; a GPU needs its driver and a torch built for it: pip install torch"
        ) from None
    return device


register(
    EngineKind(
        "torch",
        ".safetensors",
        TorchEngine,
        instead="make one with faceparse import CHECKPOINT --network NAME -o {stem}.safetensors",
    )
)
