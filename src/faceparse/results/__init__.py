"""The parsing of one picture: views, faces, label map, soft masks, boxes, and the one renderer."""

from faceparse.results.face import Face
from faceparse.results.parsing import Parsing
from faceparse.results.polygons import polygons
from faceparse.results.record import record
from faceparse.results.render import (
    render_confidence,
    render_labels,
    render_probabilities,
    render_probability,
)
from faceparse.results.save import write_mask
from faceparse.results.soft import soft_strips
from faceparse.results.view import View
from faceparse.results.writer import Writer

__all__ = [
    "Face",
    "Parsing",
    "View",
    "Writer",
    "polygons",
    "record",
    "render_confidence",
    "render_labels",
    "render_probabilities",
    "render_probability",
    "soft_strips",
    "write_mask",
]
