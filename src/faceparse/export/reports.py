"""Evaluation of a network and of its export on the same labelled pictures."""

from __future__ import annotations

from pathlib import Path

from faceparse.data import Dataset
from faceparse.engines.onnx import OnnxEngine
from faceparse.evaluate import Report, evaluate
from faceparse.evaluate.scoring import Progress, track
from faceparse.export.onnx import ExportResult
from faceparse.export.picture import PictureGraph
from faceparse.export.reference import reference_engine, whole_labels
from faceparse.models import Network
from faceparse.weights import Card


def export_reports(
    origin: Network | Path,
    card: Card,
    exported: ExportResult,
    data: Dataset,
    progress: Progress | None = None,
) -> tuple[Report, Report]:
    """Evaluate a network and its exported file on whole pictures; return both reports.

    >>> network, card = load_source("model.safetensors")  # doctest: +SKIP
    >>> exported = export_onnx(network, card, "model.onnx", precision="fp16")  # doctest: +SKIP
    >>> [report.mean_f1 for report in export_reports(network, card, exported, dataset)]  # doctest: +SKIP
    [83.71, 83.70]

    Args:
        origin: The exported network, or the path of the exported ONNX file.
        card: The network's card.
        exported: The result of `export_onnx`.
        data: Labelled pictures.
        progress: Function as in `faceparse.evaluate.score`; the measurements are `before` and `after`.

    Raises:
        DataError, LabelError: as `faceparse.evaluate.evaluate` says.
    """
    before = whole_labels(reference_engine(origin, card))
    variant = exported.card.variant
    of_pictures = variant is not None and variant.form == "picture"
    after = PictureGraph(exported.path) if of_pictures else whole_labels(OnnxEngine(exported.path))
    scheme = card.label_scheme
    return (
        evaluate(lambda s: before(s.image), track(data, "before", progress), data.scheme, scheme),
        evaluate(lambda s: after(s.image), track(data, "after", progress), data.scheme, scheme),
    )
