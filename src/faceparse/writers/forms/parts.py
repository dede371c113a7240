"""One mask per class, with the file names of CelebAMask-HQ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.labels import Scheme, count
from faceparse.results import Parsing
from faceparse.results.lookup import look_up, members
from faceparse.results.margins import Margins
from faceparse.writers.png import write_png
from faceparse.writers.registry import register
from faceparse.writers.selection import select, selectable_names
from faceparse.writers.writer import Writer


@register
@dataclass(frozen=True)
class Parts(Margins, Writer):
    """A gray PNG per class that occurs, as in CelebAMask-HQ's download: 255 inside, 0 outside.

    Args:
        classes: Classes and groups; by default all but the background.
        grow: How far each mask's edge moves outwards: pixels, or per cent of the largest face's longer side.
        shrink: How far the edge then moves inwards.
        feather: Width over which the mask fades.
    """

    name: ClassVar[str] = "parts"
    endings: ClassVar[tuple[str, ...]] = tuple(f"_{name}.png" for name in selectable_names())
    classes: tuple[str, ...] = ()

    def endings_in(self, scheme: Scheme) -> tuple[str, ...]:
        return tuple(f"_{name}.png" for name in select(scheme, self.classes))

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        pixels, margins = count(parsing.labels), self.in_pixels(parsing.face_side)
        paths = []
        for name, ids in select(parsing.scheme, self.classes).items():
            if pixels[list(ids)].any():
                path = self.beside(stem, f"_{name}.png")
                write_png(path, margins.applied(look_up(members(ids) * 255, parsing.labels)))
                paths.append(path)
        return tuple(paths)
