"""A record of faces and classes, for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.files import json_bytes, write_atomic
from faceparse.results import Parsing
from faceparse.writers.registry import register
from faceparse.writers.writer import FileWriter


@register
@dataclass(frozen=True)
class Json(FileWriter):
    """Faces (box, score, landmarks), area and box per class, model, engine, scheme, size, timing."""

    name: ClassVar[str] = "json"
    endings: ClassVar[tuple[str, ...]] = ("_parsing.json",)
    suffix: ClassVar[str] = ".json"

    def save(self, parsing: Parsing, path: Path) -> None:
        write_atomic(path, json_bytes(self.record(parsing), indent=2) + b"\n")

    def record(self, parsing: Parsing) -> dict[str, object]:
        """Return the file's content."""
        return parsing.record()
