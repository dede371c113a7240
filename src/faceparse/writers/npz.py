"""The parsing itself, for NumPy and for `Parsing.load`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from faceparse.results import Parsing, Writer
from faceparse.results.npz import write_npz


@dataclass(frozen=True)
class Npz(Writer):
    """All but the picture, without loss: labels, scheme, faces, and the logits that soft masks come from.

    Args:
        soft: Whether the logits go in; without them it is labels and faces alone, and far smaller.
    """

    name: ClassVar[str] = "npz"
    endings: ClassVar[tuple[str, ...]] = ("_parsing.npz",)
    soft: bool = True

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        path = self.beside(stem, self.endings[0])
        write_npz(path, parsing, self.soft)
        return (path,)
