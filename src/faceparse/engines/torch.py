"""PyTorch (extra `torch`), which runs .safetensors files by faceparse, and others with a card."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.engines.device import parse_device
from faceparse.engines.engine import image_of, logits_for
from faceparse.engines.registry import EngineKind, register
from faceparse.errors import EngineError, MissingExtraError
from faceparse.weights.card import Card
from faceparse.weights.modelfile import find_model


class TorchEngine:
    """An engine that runs a registered network with PyTorch.

    >>> engine = TorchEngine("model.safetensors", device="cuda")  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # doctest: +SKIP

    Args:
        path: The model file.
        card: Card of the model, which names the network; None for the card inside the file.
        device: PyTorch's name of a device: `cpu`, `cuda`, `cuda:1`, `mps`. With `dtype=bf16` or `dtype=fp16`
            (`cuda:dtype=fp16`, `cuda:1,dtype=bf16`) the network runs in this number type.
        threads: Threads of one run on the CPU; None for PyTorch's default. PyTorch has one setting for the
            whole process, which is changed during a run and restored afterwards.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: not a checkpoint, a file without a card, or a checkpoint of another network.
        EngineError: an unknown device, or one that is not available on this machine.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        card: Card | None = None,
        *,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        try:
            import torch
        except ModuleNotFoundError:
            raise MissingExtraError("torch", "torch", "engine 'torch'") from None
        from faceparse.models import load

        self.card = card or find_model(path).card
        self._torch = torch
        self._threads = threads
        self._device, self._dtype = _device(torch, device)
        network = load(self.card.network, Path(path))
        self.fixed_size = None if network.any_size else self.card.input.size
        self._network = network.to(self._device, self._dtype).to(memory_format=torch.channels_last)
        weight = next(self._network.parameters())
        precision = next(name for name, dtype in _precisions(torch).items() if dtype == weight.dtype)
        self.description = f"torch {weight.device} {precision}"

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Engine.run`."""
        image = image_of(inputs)
        torch = self._torch
        # `torch.tensor` copies: the array may be read-only, and channels-last needs a copy anyway.
        tensor = torch.tensor(image).to(self._device, self._dtype, memory_format=torch.channels_last)
        try:
            with torch.inference_mode(), _THREADS.limited(torch, self._threads):
                logits = self._network.grid_logits(tensor).float().cpu()
        except RuntimeError as error:  # out of memory, or a size that the network does not support
            reason = " ".join(str(error).split())[:300]
            raise EngineError(f"{self.card.network} failed on input {image.shape}: {reason}") from error
        return {"logits": logits_for(image, np.ascontiguousarray(logits.numpy()), self.card)}


class _Threads:
    """Sets PyTorch's number of threads while runs last; the last run to end restores the number before."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running = 0
        self._before = 0

    @contextmanager
    def limited(self, torch: Any, threads: int | None) -> Iterator[None]:
        if threads is None:
            yield
            return
        with self._lock:
            if not self._running:
                self._before = torch.get_num_threads()
            self._running += 1
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    torch.set_num_threads(self._before)


_THREADS = _Threads()


def _precisions(torch: Any) -> dict[str, Any]:
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def _device(torch: Any, text: str) -> tuple[Any, Any]:
    """Return PyTorch's device and the number type to run in."""
    choice = parse_device(text)
    types = _precisions(torch)
    settings = dict(choice.options)
    dtype = settings.pop("dtype", "fp32")
    if settings or dtype not in types:
        raise EngineError(f"engine 'torch' takes one setting, dtype={', '.join(types)}; got device {text!r}")
    name = choice.name if choice.index is None else f"{choice.name}:{choice.index}"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise EngineError(
            f"device {name!r} is not usable by engine 'torch' (torch {torch.__version__}: {reason}); "
            "a GPU needs its driver and a torch built for it"
        ) from None
    return device, types[dtype]


register(EngineKind("torch", ".safetensors", TorchEngine, ("cuda", "mps", "cpu")))
