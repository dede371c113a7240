"""ONNX Runtime, the default engine; always installed."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.engines.device import Device, parse_device
from faceparse.engines.engine import image_of, logits_for
from faceparse.engines.registry import EngineKind, register
from faceparse.errors import EngineError, WeightsError
from faceparse.weights.card import Card
from faceparse.weights.modelfile import find_model


class Provider(NamedTuple):
    """ONNX Runtime's execution provider for a device, and how to install it."""

    name: str
    get: str


def _instead(package: str) -> str:
    # All packages of ONNX Runtime contain the same files: two of them break each other.
    return f"pip uninstall onnxruntime, then pip install {package}"


PROVIDERS: Mapping[str, Provider] = {
    "cpu": Provider("CPUExecutionProvider", "pip install onnxruntime"),
    "cuda": Provider("CUDAExecutionProvider", _instead("'onnxruntime-gpu[cuda,cudnn]'")),
    "tensorrt": Provider(
        "TensorrtExecutionProvider", _instead("'onnxruntime-gpu[cuda,cudnn]' tensorrt-cu12")
    ),
    "coreml": Provider("CoreMLExecutionProvider", "it comes with pip install onnxruntime on macOS alone"),
    "openvino": Provider("OpenVINOExecutionProvider", _instead("onnxruntime-openvino")),
    "directml": Provider("DmlExecutionProvider", f"on Windows, {_instead('onnxruntime-directml')}"),
}
"""Device → ONNX Runtime's execution provider and how to install it."""

INDEXED = ("cuda", "tensorrt", "directml")
"""Devices that may have a number."""

_CPU = PROVIDERS["cpu"].name
_HEAVY = frozenset({"Conv", "ConvTranspose", "QLinearConv", "ConvInteger", "FusedConv", "NhwcFusedConv"})
"""Operators that take most of a network's time."""

_SESSION_KEYS = ("session.", "ep.", "mlas.", "optimization.")
"""Prefixes of ONNX Runtime's session settings; other settings belong to the provider."""

_SPINNING = "session.intra_op.allow_spinning"
_QUIET = 4  # fatal only: failures become one-line errors here
_log = logging.getLogger(__name__)


class OnnxEngine:
    """An engine that runs an .onnx file with ONNX Runtime.

    >>> engine = OnnxEngine("model.onnx", device="cuda", threads=1)  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # doctest: +SKIP

    A file from another program must have one input, `image`, and `logits` as its first output, as in every
    published export; other outputs are not computed. A graph with a fixed batch size of one runs a batch
    picture by picture.

    Args:
        path: The model file.
        card: Card of the model; None for the card inside the file.
        device: A key of `PROVIDERS`, optionally with a number (`cuda:1`) and settings of the provider or
            session (`openvino:device_type=GPU`, `cpu:session.set_denormal_as_zero=1`). A network that cannot
            run on the device is an error; it never runs on another device instead.
        threads: Threads within one operator; None for one per core.

    Raises:
        WeightsError: not a model, damaged, without a card, or with other inputs and outputs.
        EngineError: an unknown device, or one that is not installed or not available on this machine.
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
        precision = self.card.variant.precision if self.card.variant else "fp32"
        self.description = f"onnx {_devices(self._session)} {precision}"
        self._name, (self._batch, _, *sides) = _image(self._session, self._path)
        self.fixed_size = (sides[0], sides[1]) if all(isinstance(side, int) for side in sides) else None
        self._output = self._session.get_outputs()[0].name

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """See `Engine.run`."""
        image = image_of(inputs)
        step = self._batch if isinstance(self._batch, int) else len(image)
        values = np.ascontiguousarray(image)
        batches = [values[i : i + step] for i in range(0, len(values), step)]
        try:
            parts = [self._session.run([self._output], {self._name: batch})[0] for batch in batches]
        except Exception as error:  # ONNX Runtime's errors have no common base class
            raise EngineError(f"{self._path} failed on input {image.shape}: {_line(error)}") from error
        logits = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return {"logits": logits_for(image, logits, self.card)}


def _session(path: Path, text: str, threads: int | None) -> Any:
    import onnxruntime

    device = parse_device(text)
    if device.name not in PROVIDERS or (device.index is not None and device.name not in INDEXED):
        raise EngineError(
            f"unknown device {text!r} of engine 'onnx'; there are {', '.join(PROVIDERS)}, and with a number "
            f"{', '.join(f'{name}:1' for name in INDEXED)}"
        )
    provider = PROVIDERS[device.name]
    available = onnxruntime.get_available_providers()
    if provider.name not in available:
        raise EngineError(
            f"device {text!r} needs {provider.name}, but this onnxruntime has only {', '.join(available)}: {provider.get}, "
            "or use --device cpu"
        )
    if device.name in ("cuda", "tensorrt") and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
    options, settings = _options(device, threads)
    index = {} if device.index is None else {"device_id": str(device.index)}
    providers = [(provider.name, {**index, **settings})]
    if device.name == "tensorrt" and PROVIDERS["cuda"].name in available:
        providers.append((PROVIDERS["cuda"].name, index))  # for operators that TensorRT lacks
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime's errors have no common base class
        if not path.is_file():
            raise WeightsError(f"no model file {path}") from None
        if device.name != "cpu":
            raise _unstarted(text, provider.name, _line(error)) from error
        raise WeightsError(f"ONNX Runtime cannot load {path}: {_line(error)}") from error
    if provider.name not in session.get_providers():
        raise _unstarted(text, provider.name, "its driver, libraries or hardware are missing")
    if device.name != "cpu":
        _check_placement(session, text, provider.name)
    return session


def _options(device: Device, threads: int | None) -> tuple[Any, dict[str, str]]:
    """Return session options, and the device's settings that belong to the provider."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    if threads is not None:
        options.intra_op_num_threads = threads
    if _SPINNING not in device.options:
        # Waiting threads that spin take the cores from decoding and other programs.
        options.add_session_config_entry(_SPINNING, "0")
    if device.name != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if device.name == "directml":  # as DirectML's documentation requires
        options.enable_mem_pattern = False
    settings = {}
    for key, value in device.options.items():
        if key.startswith(_SESSION_KEYS):
            options.add_session_config_entry(key, value)
        elif device.name == "cpu":
            keys = ", ".join(f"{begin}…" for begin in _SESSION_KEYS)
            raise EngineError(f"device cpu has no setting {key!r}; expected one of ONNX Runtime's ({keys})")
        else:
            settings[key] = value
    if device.name == "openvino" and threads is not None:  # OpenVINO has its own threads
        settings.setdefault("num_of_threads", str(threads))
    return options, settings


def _devices(session: Any) -> str:
    """Return the devices that compute, with their numbers: `cpu`, `cuda:1`, `coreml+cpu`."""
    names = {provider.name: name for name, provider in PROVIDERS.items()}
    options = session.get_provider_options()
    devices = []
    for provider in sorted(
        _heavy_by_provider(session) or session.get_providers()[:1], key=list(names).index, reverse=True
    ):
        index = f":{options[provider]['device_id']}" if names[provider] in INDEXED else ""
        devices.append(names[provider] + index)
    return "+".join(devices)


def _heavy_by_provider(session: Any) -> Counter[str]:
    """Return the number of heavy operators per provider; empty if the session did not record it."""
    placed = getattr(session, "get_provider_graph_assignment_info", None)
    if placed is None or session.get_providers()[0] == _CPU:  # ONNX Runtime before 1.24, or a CPU session
        return Counter()
    return Counter(part.ep_name for part in placed() for node in part.get_nodes() if node.op_type in _HEAVY)


def _check_placement(session: Any, device: str, provider: str) -> None:
    """Raise if all of a network runs on the CPU instead; warn if a part of it does.

    ONNX Runtime silently runs on the CPU every operator that a provider does not support.
    """
    heavy = _heavy_by_provider(session)
    on_cpu, total = heavy[_CPU], sum(heavy.values())
    if total and on_cpu == total:
        raise _unstarted(device, provider, f"it supports none of the {total} convolutions of this network")
    if on_cpu:
        _log.warning("device %s runs %d of %d convolutions on the CPU", device, on_cpu, total)


def _unstarted(device: str, provider: str, reason: str) -> EngineError:
    return EngineError(
        f"device {device!r} is not usable here, {provider} did not start: {reason}; use --device cpu"
    )


def _image(session: Any, path: Path) -> tuple[str, list[Any]]:
    """Return name and shape of the image input, a shape of numbers and names; raise for other inputs."""
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].type == "tensor(uint8)":
        raise WeightsError(
            f"{path} contains its preprocessing (faceparse export --with-preprocessing), for programs without "
            "faceparse: give the model that it was exported from"
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        actual = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
        raise WeightsError(f"{path}: expected one float input (batch, 3, height, width); got {actual}")
    return inputs[0].name, inputs[0].shape


def _line(error: Exception) -> str:
    """Return ONNX Runtime's message in one line; leave out the middle of a long one (its file and function names)."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"


register(EngineKind("onnx", ".onnx", OnnxEngine, ("cuda", "coreml", "cpu")))
