"""faceparse: label every pixel of a face.

>>> import faceparse
>>> parsing = faceparse.parse("photo.jpg")  # doctest: +SKIP
>>> hair = parsing.mask("hair")  # doctest: +SKIP
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceparse.version import __version__

if TYPE_CHECKING:
    from faceparse import models
    from faceparse.edits import edit
    from faceparse.errors import FaceparseError
    from faceparse.evaluate.compare import compare
    from faceparse.frames import video
    from faceparse.labels import Scheme, scheme, schemes
    from faceparse.parser import Parser, parse
    from faceparse.results import Face, Parsing

# ONNX Runtime's wheels note a device's id and their use in the user's cache, to be sent; read when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Resolved on first use, so that `import faceparse` costs next to nothing.
_HOME = {
    "Face": "faceparse.results",
    "FaceparseError": "faceparse.errors",
    "Parser": "faceparse.parser",
    "Parsing": "faceparse.results",
    "Scheme": "faceparse.labels",
    "compare": "faceparse.evaluate.compare",
    "edit": "faceparse.edits",
    "parse": "faceparse.parser",
    "scheme": "faceparse.labels",
    "schemes": "faceparse.labels",
    "video": "faceparse.frames",
}

__all__ = [
    "Face",
    "FaceparseError",
    "Parser",
    "Parsing",
    "Scheme",
    "__version__",
    "compare",
    "edit",
    "models",
    "parse",
    "scheme",
    "schemes",
    "video",
]


def __getattr__(name: str) -> Any:
    if name == "models":
        return import_module("faceparse.models")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'faceparse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
