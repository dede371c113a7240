"""Edits of a picture by its masks: colours, make-up, softer skin, other backgrounds, anonymous faces.

>>> from faceparse.edits import edit
>>> edit(parsing, [("hair", "#a0522d"), ("lips", "crimson", {"strength": 0.5})])  # doctest: +SKIP
"""

from faceparse.edits.base import Edit
from faceparse.edits.canvas import Canvas
from faceparse.edits.editing import edit
from faceparse.edits.registry import EDITS, make_edit, make_edits, read_edit, register

__all__ = ["EDITS", "Canvas", "Edit", "edit", "make_edit", "make_edits", "read_edit", "register"]
