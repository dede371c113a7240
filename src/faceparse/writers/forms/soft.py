"""Soft masks: how likely each class is."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.errors import ConfigError
from faceparse.files import atomic
from faceparse.labels import Scheme
from faceparse.results import Parsing, soft_strips
from faceparse.writers.png import Png
from faceparse.writers.regions import region_names, regions
from faceparse.writers.registry import register
from faceparse.writers.writer import Writer


@register
@dataclass(frozen=True)
class Soft(Writer):
    """The probability of each class, one gray PNG each: 0 to 255, or to 65535 with 16 bits.

    Args:
        bits: 8 or 16.
        classes: Classes and groups, a group's probability being its classes' sum; every class, the
            background too, where none is named.
    """

    name: ClassVar[str] = "soft"
    endings: ClassVar[tuple[str, ...]] = tuple(f"_soft_{name}.png" for name in region_names())
    bits: int = 8
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.bits not in (8, 16):
            raise ConfigError(f"bits is 8 or 16, got {self.bits}")

    def check(self, scheme: Scheme) -> None:
        regions(scheme, self.classes)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        wanted = regions(parsing.scheme, self.classes, background=True)
        paths = tuple(self.beside(stem, f"_soft_{name}.png") for name in wanted)
        with ExitStack() as stack:
            pngs = []
            for path in paths:
                file = stack.enter_context(stack.enter_context(atomic(path, overwrite=True)).open("wb"))
                pngs.append(stack.enter_context(Png(file, parsing.size, bits=self.bits)))
            for _, strip in soft_strips(parsing, tuple(wanted.values()), self.bits):
                for png, rows in zip(pngs, strip, strict=True):
                    png.add(rows)
        return paths
