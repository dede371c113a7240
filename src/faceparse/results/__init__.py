"""The parsing of one picture: views, faces, label map, soft masks, boxes, and the one renderer."""

from faceparse.results.face import Face
from faceparse.results.parsing import Parsing
from faceparse.results.render import render_confidence, render_labels, render_probability
from faceparse.results.save import write_mask
from faceparse.results.view import View
from faceparse.results.writer import Writer

__all__ = [
    "Face",
    "Parsing",
    "View",
    "Writer",
    "render_confidence",
    "render_labels",
    "render_probability",
    "write_mask",
]
