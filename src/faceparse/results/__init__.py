"""The parsing of one picture: views, faces, label map, soft masks, boxes, and the one renderer."""

from faceparse.results.label_map import render_labels
from faceparse.results.parsing import Face, Parsing
from faceparse.results.render import (
    render_confidence,
    render_probabilities,
    render_probability,
)
from faceparse.results.soft import soft_strips
from faceparse.results.view import View

__all__ = [
    "Face",
    "Parsing",
    "View",
    "render_confidence",
    "render_labels",
    "render_probabilities",
    "render_probability",
    "soft_strips",
]
