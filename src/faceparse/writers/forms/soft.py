"""Soft masks: the probability of each class."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from faceparse.labels import Scheme
from faceparse.results import Parsing, soft_strips
from faceparse.results.margins import Margins
from faceparse.tables import one_of
from faceparse.writers.png import open_png
from faceparse.writers.registry import register
from faceparse.writers.selection import select, selectable_names
from faceparse.writers.writer import Writer


@register
@dataclass(frozen=True)
class Soft(Margins, Writer):
    """The probability of each class, one gray PNG each: 0 to 255, or to 65535 with 16 bits.

    Args:
        bits: 8 or 16.
        classes: Classes and groups, by default every class including the background. A group's probability is
            the sum over its classes.
        edges: Whether the masks follow the picture's edges; if not, they are the network's own.
        grow: How far each mask's edge moves outwards: pixels, or per cent of the largest face's longer side.
        shrink: How far the edge then moves inwards.
        feather: Width over which the mask fades.
    """

    name: ClassVar[str] = "soft"
    endings: ClassVar[tuple[str, ...]] = tuple(f"_soft_{name}.png" for name in selectable_names())
    bits: Annotated[int, one_of((8, 16))] = 8
    classes: tuple[str, ...] = ()
    edges: bool = True

    def endings_in(self, scheme: Scheme) -> tuple[str, ...]:
        return tuple(f"_soft_{name}.png" for name in select(scheme, self.classes, background=True))

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        wanted = select(parsing.scheme, self.classes, background=True)
        paths = tuple(self.beside(stem, ending) for ending in self.endings_in(parsing.scheme))
        with ExitStack() as stack:
            adds = [stack.enter_context(open_png(path, parsing.size, bits=self.bits)) for path in paths]
            for _, strip in soft_strips(
                parsing, tuple(wanted.values()), self.bits, edges=self.edges, margins=self
            ):
                for add, rows in zip(adds, strip, strict=True):
                    add(rows)
        return paths
