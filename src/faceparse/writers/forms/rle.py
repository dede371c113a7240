"""Run lengths in COCO's format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.files import json_bytes, write_atomic
from faceparse.labels import GROUPS, Scheme
from faceparse.results import Parsing
from faceparse.writers.coco import image_id, join
from faceparse.writers.registry import register
from faceparse.writers.runs import encode
from faceparse.writers.selection import select
from faceparse.writers.writer import FileWriter

JOINED = "annotations.json"
"""Name of the COCO file that covers a whole folder."""

FIRST_GROUP = 256
"""First category id of groups; a class's category id is its label."""


@register
@dataclass(frozen=True)
class Rle(FileWriter):
    """A mask per class that occurs, in COCO's format and compressed run lengths; `annotations.json` for all.

    Args:
        classes: Classes and groups; by default all but the background.
    """

    name: ClassVar[str] = "rle"
    endings: ClassVar[tuple[str, ...]] = ("_rle.json",)
    classes: tuple[str, ...] = ()

    def save(self, parsing: Parsing, path: Path) -> None:
        file = Path(parsing.source).name or path.name.removesuffix(self.endings[0])
        write_atomic(path, json_bytes(self.record(parsing, file)))

    def record(self, parsing: Parsing, file: str = "") -> dict[str, object]:
        """Return the file's content, for a picture's file of that name."""
        height, width = parsing.size
        number = image_id(file)
        wanted = select(parsing.scheme, self.classes)
        categories = {name: _category(parsing.scheme, name) for name in wanted}
        masks = zip(wanted, encode(parsing.labels, tuple(wanted.values())), strict=True)
        annotations = [
            {
                "id": i,
                "image_id": number,
                "category_id": categories[name],
                "segmentation": {"size": [height, width], "counts": mask.counts},
                "area": mask.area,
                "bbox": list(mask.box),
                "iscrowd": 0,
            }
            for i, (name, mask) in enumerate(((n, m) for n, m in masks if m.area), 1)
        ]
        return {
            "info": {"description": "faceparse", "scheme": parsing.scheme.name},
            "licenses": [],
            "categories": [
                {"id": category, "name": name, "supercategory": "face"}
                for name, category in categories.items()
            ],
            "images": [{"id": number, "file_name": file, "width": width, "height": height}],
            "annotations": annotations,
        }

    def finish(self, folder: Path, stems: Iterable[Path]) -> tuple[Path, ...]:
        path = folder / JOINED
        return (path,) if join(path, (self.beside(stem, self.endings[0]) for stem in stems)) else ()


def _category(scheme: Scheme, name: str) -> int:
    return scheme.id(name) if name in scheme else FIRST_GROUP + list(GROUPS).index(name)
