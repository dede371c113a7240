"""ONNX Runtime: the default engine, in the core."""

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
    """ONNX Runtime's name of a device's provider, and how to install it."""

    name: str
    get: str


def _instead(package: str) -> str:
    # Packages of ONNX Runtime hold the same files: two of them break each other.
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
"""Device → ONNX Runtime's provider and how to get it."""

INDEXED = ("cuda", "tensorrt", "directml")
"""Devices of which there may be several."""

_CPU = PROVIDERS["cpu"].name
_HEAVY = frozenset({"Conv", "ConvTranspose", "QLinearConv", "ConvInteger", "FusedConv", "NhwcFusedConv"})
"""Operators that a network's time goes to."""

_SESSION_KEYS = ("session.", "ep.", "mlas.", "optimization.")
"""How ONNX Runtime's session settings begin; others are the provider's."""

_SPINNING = "session.intra_op.allow_spinning"
_QUIET = 4  # only fatal: what fails is raised here as one line
_log = logging.getLogger(__name__)


class OnnxEngine:
    """Runs an .onnx file with ONNX Runtime.

    >>> engine = OnnxEngine("model.onnx", device="cuda", threads=1)  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # doctest: +SKIP

    In a file of another program the only input is `image` and the first output is `logits`, as in every
    published export; other outputs are not computed. A graph fixed to one picture runs a batch one by one.

    Args:
        path: The file.
        card: Its card; None for the card inside the file.
        device: A key of `PROVIDERS`, with a number for the second card and so on (`cuda:1`), and settings in the
            provider's or the session's own words (`openvino:device_type=GPU`,
            `cpu:session.set_denormal_as_zero=1`). A network that cannot run there is an error; nothing runs
            elsewhere instead.
        threads: Threads within one operator; None for one per core.

    Raises:
        WeightsError: not a model, damaged, without a card, or with other inputs and outputs.
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
        except Exception as error:  # ONNX Runtime's have no common base of their own
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
            f"device {text!r} needs {provider.name}, and this onnxruntime has {', '.join(available)}: {provider.get}, "
            "or use --device cpu"
        )
    if device.name in ("cuda", "tensorrt") and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installs beside it
    options, settings = _options(device, threads)
    index = {} if device.index is None else {"device_id": str(device.index)}
    providers = [(provider.name, {**index, **settings})]
    if device.name == "tensorrt" and PROVIDERS["cuda"].name in available:
        providers.append((PROVIDERS["cuda"].name, index))  # for the operators that TensorRT has not
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime's have no common base of their own
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
    """Session options, and those settings of the device that belong to its provider."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    if threads is not None:
        options.intra_op_num_threads = threads
    if _SPINNING not in device.options:
        # Threads that spin while they wait take the cores from decoding and from other programs.
        options.add_session_config_entry(_SPINNING, "0")
    if device.name != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if device.name == "directml":  # as its documentation asks
        options.enable_mem_pattern = False
    settings = {}
    for key, value in device.options.items():
        if key.startswith(_SESSION_KEYS):
            options.add_session_config_entry(key, value)
        elif device.name == "cpu":
            keys = ", ".join(f"{begin}…" for begin in _SESSION_KEYS)
            raise EngineError(f"device cpu has no setting {key!r}; it takes ONNX Runtime's own ({keys})")
        else:
            settings[key] = value
    if device.name == "openvino" and threads is not None:  # it has threads of its own
        settings.setdefault("num_of_threads", str(threads))
    return options, settings


def _devices(session: Any) -> str:
    """The devices that compute, with their numbers: `cpu`, `cuda:1`, `coreml+cpu`."""
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
    """How many heavy operators each provider has; empty where the session did not record it."""
    placed = getattr(session, "get_provider_graph_assignment_info", None)
    if placed is None or session.get_providers()[0] == _CPU:  # before ONNX Runtime 1.24, or nothing to ask
        return Counter()
    return Counter(part.ep_name for part in placed() for node in part.get_nodes() if node.op_type in _HEAVY)


def _check_placement(session: Any, device: str, provider: str) -> None:
    """Refuse a session whose network runs on the CPU after all; say where a part of it does.

    ONNX Runtime gives the CPU whatever a provider does not take, without a word.
    """
    heavy = _heavy_by_provider(session)
    on_cpu, total = heavy[_CPU], sum(heavy.values())
    if total and on_cpu == total:
        raise _unstarted(device, provider, f"it takes none of the {total} convolutions of this network")
    if on_cpu:
        _log.warning("device %s runs %d of %d convolutions on the CPU", device, on_cpu, total)


def _unstarted(device: str, provider: str, reason: str) -> EngineError:
    return EngineError(
        f"device {device!r} is not usable here, {provider} did not start: {reason}; use --device cpu"
    )


def _image(session: Any, path: Path) -> tuple[str, list[Any]]:
    """Name of the image input and its shape, of numbers and names; other graphs are refused."""
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].type == "tensor(uint8)":
        raise WeightsError(
            f"{path} takes pictures and gives labels by itself (faceparse export --with-preprocessing), which is for "
            "programs without faceparse: here, give the model that it was made from"
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        actual = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
        raise WeightsError(
            f"{path}: expected one float input (batch, 3, height, width), its inputs are {actual}"
        )
    return inputs[0].name, inputs[0].shape


def _line(error: Exception) -> str:
    """ONNX Runtime's message in one line; the middle of a long one, its own file and function names, left out."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"


register(EngineKind("onnx", ".onnx", OnnxEngine, ("cuda", "coreml", "cpu")))
