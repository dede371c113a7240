"""Outlines in LabelMe's format, for editing or training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from faceparse.files import json_bytes, write_atomic
from faceparse.results import Parsing
from faceparse.results.lookup import look_up, members
from faceparse.tables import between
from faceparse.writers.outlines import FARTHEST, polygons
from faceparse.writers.registry import register
from faceparse.writers.selection import select
from faceparse.writers.writer import FileWriter

LABELME = "5.5.0"
"""LabelMe version whose file format this writer uses."""


@register
@dataclass(frozen=True)
class Polygons(FileWriter):
    """Outlines per class along pixel edges, as LabelMe JSON; a cut joins each hole to the outside.

    Args:
        classes: Classes and groups; by default all but the background.
        tolerance: Largest distance in pixels of a simplified outline from the exact one, 0 (exact) to 1000.
    """

    name: ClassVar[str] = "polygons"
    endings: ClassVar[tuple[str, ...]] = ("_polygons.json",)
    classes: tuple[str, ...] = ()
    tolerance: Annotated[float, between(0, FARTHEST)] = 0

    def save(self, parsing: Parsing, path: Path) -> None:
        wanted = select(parsing.scheme, self.classes)
        shapes = [
            # LabelMe treats shapes with the same group id as one object.
            {
                "label": name,
                "points": ring.tolist(),
                "group_id": number,
                "shape_type": "polygon",
                "flags": {},
            }
            for number, (name, ids) in enumerate(wanted.items(), 1)
            for ring in polygons(look_up(members(ids), parsing.labels), self.tolerance)
        ]
        height, width = parsing.size
        content: dict[str, object] = {
            "version": LABELME,
            "flags": {},
            "shapes": shapes,
            "imagePath": Path(parsing.source).name or path.name.removesuffix(self.endings[0]),
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        write_atomic(path, json_bytes(content))
