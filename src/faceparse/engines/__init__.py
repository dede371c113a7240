"""Engines, which run networks: ONNX Runtime (always installed), PyTorch (an extra) and a fake for tests.

>>> from faceparse.engines import open_engine
>>> engine = open_engine("model.onnx", threads=1)  # doctest: +SKIP
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Annotated

from faceparse.engines.engine import Engine, image_of, logits_for
from faceparse.engines.fake import FakeEngine
from faceparse.engines.registry import EngineKind, engine_for, engines, register
from faceparse.errors import EngineError, WeightsError
from faceparse.tables import between, convert
from faceparse.weights.modelfile import find_model

__all__ = [
    "Engine",
    "EngineKind",
    "FakeEngine",
    "engines",
    "image_of",
    "logits_for",
    "open_engine",
    "register",
]


def open_engine(
    model: str | os.PathLike[str] = "default",
    *,
    engine: str | None = "auto",
    device: str = "auto",
    threads: int | None = None,
    card: str | None = None,
) -> Engine:
    """Load a model into an engine.

    >>> open_engine("default", device="cuda").card.id  # doctest: +SKIP

    Args:
        model: Name of a packaged model, or path of a model file: .onnx for ONNX Runtime, .safetensors for
            PyTorch.
        engine: A name in `engines()`; `auto` or None selects the engine by the file's suffix.
        device: `auto` for the first available of CUDA, Apple's GPU and the CPU (`Engine.description` names
            the choice); `cpu`, `cuda`, `cuda:1`, or another device of the engine. Settings of the engine may
            follow, as in `openvino:device_type=GPU` or `cuda:1,gpu_mem_limit=2000000000`.
        threads: Threads of one run, 1 to 1024; None for the engine's default.
        card: Card id or TOML file, for a model file without a card.

    Raises:
        WeightsError: no such model, or not a model file.
        EngineError: an unknown engine or device, an engine that does not run this file, or one that is not
            installed or not available on this machine.
    """
    convert(str | None, engine, "engine", error=EngineError)
    convert(str, device, "device", error=EngineError)
    convert(str | None, card, "card", error=WeightsError)
    convert(Annotated[int, between(1, 1024)] | None, threads, "threads", error=EngineError)
    file = find_model(model, card)
    kind = engine_for(file.path, engine or "auto")
    *preferred, last = kind.devices if device == "auto" else (device,)
    for name in preferred:
        with suppress(EngineError):  # not available here
            return kind.open(file.path, file.card, device=name, threads=threads)
    return kind.open(file.path, file.card, device=last, threads=threads)
