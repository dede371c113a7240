"""One kind of output file; those in the package are in `faceparse.draw.writers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceparse.results.parsing import Parsing


@dataclass(frozen=True)
class Writer:
    """One kind of output file.

    Attributes:
        ending: What follows the picture's stem, such as `_mask.png`.
        write: Writes a parsing to a path, atomically.
    """

    ending: str
    write: Callable[[Parsing, Path], None]
