"""Output forms by name: those of the package, and those that other packages bring.

A package brings one through an entry point of the group `faceparse.writers`, in its pyproject.toml:

    [project.entry-points."faceparse.writers"]
    heat = "its_package.heat:Heat"

`Heat` is a `Writer` whose `name` is `heat`; from then on `--save heat` works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from faceparse.errors import ConfigError
from faceparse.results import Writer
from faceparse.writers.color import Color
from faceparse.writers.cutout import Cutout
from faceparse.writers.heatmap import Heatmap
from faceparse.writers.json_ import Json
from faceparse.writers.mask import Mask
from faceparse.writers.npz import Npz
from faceparse.writers.options import with_options
from faceparse.writers.overlay import Overlay
from faceparse.writers.panel import Panel
from faceparse.writers.parts import Parts
from faceparse.writers.polygons import Polygons
from faceparse.writers.rle import Rle
from faceparse.writers.soft import Soft

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
        raise ConfigError(f"{where} is no subclass of faceparse.results.Writer")
    missing = [a for a in ("name", "endings") if not hasattr(kind, a)] + sorted(kind.__abstractmethods__)
    if missing:
        raise ConfigError(f"{where} lacks {', '.join(missing)}")
    if kind.name != point.name:
        raise ConfigError(f"{where} calls itself {kind.name!r}: its name and its entry point's must agree")
    return kind


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"
