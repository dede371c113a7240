"""Output forms by name: those of the package, and those that other packages bring.

A package brings one through an entry point of the group `faceparse.writers`, in its pyproject.toml:

    [project.entry-points."faceparse.writers"]
    heat = "its_package.heat:Heat"

`Heat` is a `Writer` whose `name` is `heat`; from then on `--save heat` works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError, DataError, OutputError
from faceparse.results import Parsing
from faceparse.writers.forms.color import Color
from faceparse.writers.forms.cutout import Cutout
from faceparse.writers.forms.heatmap import Heatmap
from faceparse.writers.forms.json import Json
from faceparse.writers.forms.mask import Mask
from faceparse.writers.forms.npz import Npz
from faceparse.writers.forms.overlay import Overlay
from faceparse.writers.forms.panel import Panel
from faceparse.writers.forms.parts import Parts
from faceparse.writers.forms.polygons import Polygons
from faceparse.writers.forms.rle import Rle
from faceparse.writers.forms.soft import Soft
from faceparse.writers.options import with_options
from faceparse.writers.writer import FileWriter, Writer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "faceparse.writers"
"""The group of entry points that bring output forms."""

_OWN = (Mask, Overlay, Panel, Color, Soft, Cutout, Npz, Json, Rle, Polygons, Parts, Heatmap)

WRITERS: Mapping[str, type[Writer]] = MappingProxyType({w.name: w for w in _OWN})
"""Name → writer, of those in the package."""


def writers(names: Iterable[str], options: Mapping[str, object] | None = None) -> dict[str, Writer]:
    """The writers of those names, the package's or installed ones, with those options.

    >>> writers(["mask", "soft"], {"bits": 16})["soft"]
    Soft(bits=16, classes=())

    Args:
        names: As `--save` takes them.
        options: Name → value; each goes to every chosen writer that has it. Text is read as its type.

    Raises:
        ConfigError: no name, one that is unknown, claimed twice or does not load; an option that none of
            them has, or a value out of range.
    """
    wanted = list(dict.fromkeys(n.strip() for n in names if n.strip()))
    brought = _brought()
    unknown = [n for n in wanted if n not in WRITERS and n not in brought]
    if unknown or not wanted:
        known = [*WRITERS, *sorted(set(brought) - set(WRITERS))]
        raise ConfigError(f"--save takes {', '.join(known)}; got {', '.join(unknown) or 'nothing'}")
    return with_options({n: _kind(n, brought.get(n, [])) for n in wanted}, options or {})


def _brought() -> dict[str, list[EntryPoint]]:
    """What other packages bring, by name, not yet loaded."""
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        if point not in found.setdefault(point.name, []):
            found[point.name].append(point)
    return found


def _kind(name: str, points: list[EntryPoint]) -> type[Writer]:
    claims = ["faceparse"] * (name in WRITERS) + [_package(p) for p in points]
    if len(claims) > 1:
        raise ConfigError(f"output form {name!r} is claimed by {' and '.join(claims)}: uninstall all but one")
    return WRITERS[name] if name in WRITERS else _loaded(points[0])


def _loaded(point: EntryPoint) -> type[Writer]:
    where = f"output form {point.name!r} of package {_package(point)} ({point.value})"
    try:
        kind = point.load()
    except Exception as error:  # whatever another's module raises when imported
        raise ConfigError(
            f"{where} does not load: {type(error).__name__}: {error}; update or uninstall it"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Writer)):
        raise ConfigError(f"{where} is no subclass of faceparse.writers.Writer")
    missing = [a for a in ("name", "endings") if not hasattr(kind, a)] + sorted(kind.__abstractmethods__)
    if missing:
        raise ConfigError(f"{where} lacks {', '.join(missing)}")
    if kind.name != point.name:
        raise ConfigError(f"{where} calls itself {kind.name!r}: its name and its entry point's must agree")
    return kind


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"


def save(parsing: Parsing, path: Path) -> None:
    """Write one file in the form that its suffix names; see `Parsing.save`."""
    writer = _for_suffix(path)
    if writer is None:
        suffixes = ", ".join(w.suffix for w in WRITERS.values() if issubclass(w, FileWriter) and w.suffix)
        raise OutputError(
            f"a parsing is saved as {suffixes}, not as {path.name}: "
            "for other forms see faceparse.writers.write"
        )
    writer.save(parsing, path)


def load(path: Path, image: NDArray[np.uint8] | None = None) -> Parsing:
    """Read a parsing from a file of a form that holds one; see `Parsing.load`."""
    if not path.exists():
        raise DataError(f"no such file: {path}")
    return (_for_suffix(path) or FileWriter).load(path, image)


def _for_suffix(path: Path) -> FileWriter | None:
    suffix = path.suffix.lower()
    kinds = (w for w in WRITERS.values() if issubclass(w, FileWriter))
    return next((kind() for kind in kinds if kind.suffix and kind.suffix == suffix), None)
