"""Export (torch, onnx) of a network as one ONNX file that is compared with the network.

>>> from faceparse.export import export_onnx, load_source
>>> network, card = load_source("model.safetensors")  # doctest: +SKIP
>>> export_onnx(network, card, "model.onnx").parity.equal  # doctest: +SKIP
1.0
"""

from importlib.util import find_spec

from faceparse.errors import MissingExtraError

for _package in ("torch", "onnx", "onnxscript"):
    if find_spec(_package) is None:
        raise MissingExtraError(_package, "export", "faceparse.export")

from faceparse.export.calibration import calibration_inputs, calibration_pictures  # noqa: E402
from faceparse.export.graph import OPSET  # noqa: E402
from faceparse.export.onnx import ExportResult, export_onnx  # noqa: E402
from faceparse.export.parity import LEAST_EQUAL, Parity, compare  # noqa: E402
from faceparse.export.phone import phone_faults  # noqa: E402
from faceparse.export.picture import PictureGraph  # noqa: E402
from faceparse.export.reference import NetworkEngine  # noqa: E402
from faceparse.export.reports import export_reports  # noqa: E402
from faceparse.export.source import load_source  # noqa: E402

__all__ = [
    "LEAST_EQUAL",
    "OPSET",
    "ExportResult",
    "NetworkEngine",
    "Parity",
    "PictureGraph",
    "calibration_inputs",
    "calibration_pictures",
    "compare",
    "export_onnx",
    "export_reports",
    "load_source",
    "phone_faults",
]
