"""ONNX Runtime: the default engine, in the core."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import EngineError, WeightsError
from faceparse.runtime.engines.engine import image_of, logits_for
from faceparse.runtime.engines.registry import EngineKind, register
from faceparse.weights.card import Card
from faceparse.weights.modelfile import find_model

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "cpu": ("CPUExecutionProvider", "onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "'onnxruntime-gpu[cuda,cudnn]'"),
    "coreml": ("CoreMLExecutionProvider", "onnxruntime"),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino"),
}
"""Device → ONNX Runtime's provider and the package that holds it. `cuda:1` is the second GPU."""

_QUIET = 4  # only fatal: what fails is raised here as one line


class OnnxEngine:
    """Runs an .onnx file with ONNX Runtime.

    >>> engine = OnnxEngine("model.onnx", device="cuda", threads=1)  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # doctest: +SKIP

    A foreign file's only input is taken as `image` and its first output, the main one in every published
    export, as `logits`; the others are not computed. A graph fixed to one picture runs a batch one by one.

    Args:
        path: The file.
        card: Its card; None for the one inside.
        device: A key of `PROVIDERS`. What cannot run there is an error, never run elsewhere instead.
        threads: Threads of one run; None for one per core.

    Raises:
        WeightsError: not a model, damaged, without a card, or of other inputs and outputs.
        EngineError: unknown device, or one that is not installed or not on this machine.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        card: Card | None = None,
        *,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        self._path = Path(path)
        self.card = card or find_model(path).card
        self._session = _session(self._path, device, threads)
        self._name, self._shape = _image(self._session, self._path)
        self._output = self._session.get_outputs()[0].name

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Engine.run`."""
        image = image_of(inputs)
        batch, *fixed = self._shape
        given = image.shape[1:]
        if any(isinstance(want, int) and want != got for want, got in zip(fixed, given, strict=True)):
            raise EngineError(
                f"{self._path} takes pictures of (3, height, width) = {tuple(fixed)}, got {given}"
            )
        step = batch if isinstance(batch, int) else len(image)
        if len(image) % step:
            raise EngineError(f"{self._path} takes batches of {step} pictures, got {len(image)}")
        parts = [self._run(image[i : i + step]) for i in range(0, len(image), step)]
        logits = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return {"logits": logits_for(image, logits, self.card)}

    def _run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            logits: NDArray[np.float32] = self._session.run(
                [self._output], {self._name: np.ascontiguousarray(image)}
            )[0]
        except Exception as error:  # ONNX Runtime's have no common base of their own
            raise EngineError(f"{self._path} failed on input {image.shape}: {_line(error)}") from error
        return logits


def _session(path: Path, device: str, threads: int | None) -> Any:
    import onnxruntime

    if threads is not None and threads < 1:
        raise EngineError(f"threads is 1 or more, or None for one per core; got {threads}")
    name, _, index = device.partition(":")
    if name not in PROVIDERS or (":" in device and not (name == "cuda" and index.isdigit())):
        raise EngineError(
            f"unknown device {device!r} of engine 'onnx'; there are {', '.join(PROVIDERS)}, cuda:1"
        )
    provider, package = PROVIDERS[name]
    there = onnxruntime.get_available_providers()
    if provider not in there:
        raise EngineError(
            f"device {device!r} needs {provider}, and this onnxruntime has {', '.join(there)}: "
            f"pip uninstall onnxruntime, then pip install {package}, or use --device cpu"
        )
    if name == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installs beside it
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _QUIET
    if threads is not None:
        options.intra_op_num_threads = threads
    # Threads that spin while they wait take the cores from decoding and from other programs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = (provider, {"device_id": index}) if index else provider
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[chosen], enable_fallback=0)
    except Exception as error:  # ONNX Runtime's have no common base of their own
        if not path.is_file():
            raise WeightsError(f"no model file {path}") from None
        if name != "cpu":
            raise _unstarted(device, provider, _line(error)) from error
        raise WeightsError(f"ONNX Runtime cannot load {path}: {_line(error)}") from error
    if provider not in session.get_providers():
        raise _unstarted(device, provider, "its driver, libraries or hardware are missing")
    return session


def _unstarted(device: str, provider: str, reason: str) -> EngineError:
    return EngineError(
        f"device {device!r} is not usable here, {provider} did not start: {reason}; use --device cpu"
    )


def _image(session: Any, path: Path) -> tuple[str, list[int | str | None]]:
    """Name and shape of the image input; other graphs are refused."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
        raise WeightsError(
            f"{path}: expected one float input (batch, 3, height, width), its inputs are {found}"
        )
    return inputs[0].name, inputs[0].shape


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


register(
    EngineKind(
        "onnx", ".onnx", OnnxEngine, instead="make one with faceparse export --model {path} -o {stem}.onnx"
    )
)
