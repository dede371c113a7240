"""Rooms by name, for those that must not import them: `Parsing.save` lies below the writers.

>>> room("labels").scheme("face2").classes
('background', 'face')
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def room(name: str) -> Any:
    """The registry of a room of the package: the module `faceparse.NAME.registry`."""
    return import_module(f"faceparse.{name}.registry")
