"""The engines by name.

A new engine is one file in this folder that calls `register`; a package outside names its own module
under the entry point group `faceparse.engines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from faceparse.engines.engine import Engine
from faceparse.errors import EngineError
from faceparse.weights.card import Card


class Opener(Protocol):
    """Makes an engine from a model file."""

    def __call__(self, path: Path, card: Card, *, device: str, threads: int | None) -> Engine:
        """Load the file on a device; see `open_engine`."""
        ...


@dataclass(frozen=True)
class EngineKind:
    """One registered engine.

    Attributes:
        name: What `--engine` takes.
        suffix: Ending of the model files it runs, such as `.onnx`.
        open: Makes it; imports what it needs only when called.
        instead: What to do about a file of another kind; `{path}` and `{stem}` are filled in.
    """

    name: str
    suffix: str
    open: Opener
    instead: str


_KINDS: dict[str, EngineKind] = {}


def register(kind: EngineKind) -> EngineKind:
    """Add an engine to the registry; a name is taken once."""
    if kind.name in _KINDS:
        raise ValueError(f"engine {kind.name!r} is registered twice")
    _KINDS[kind.name] = kind
    return kind


@cache
def _import_all() -> None:
    package = import_module("faceparse.engines")
    for module in iter_modules(package.__path__, "faceparse.engines."):
        import_module(module.name)
    for point in entry_points(group="faceparse.engines"):
        point.load()


def engines() -> Mapping[str, EngineKind]:
    """All registered engines by name."""
    _import_all()
    return dict(sorted(_KINDS.items()))


def engine_for(path: Path, name: str = "auto") -> EngineKind:
    """The engine of that name, or with `auto` the one that runs files of this kind.

    Raises:
        EngineError: no such engine, or one that does not run this kind of file.
    """
    known = engines()
    suffix = path.suffix.lower()
    if name == "auto":
        fitting = [kind for kind in known.values() if kind.suffix == suffix]
        if not fitting:
            raise EngineError(f"no engine runs {path}; there are {_list(known)}")
        return fitting[0]
    if name not in known:
        raise EngineError(f"unknown engine {name!r}; there are auto, {_list(known)}")
    kind = known[name]
    if kind.suffix != suffix:
        other = [k.name for k in known.values() if k.suffix == suffix]
        hint = f", or use --engine {other[0]}" if other else ""
        mend = kind.instead.format(path=path, stem=path.stem)
        raise EngineError(f"engine {name!r} runs {kind.suffix} files, got {path}: {mend}{hint}")
    return kind


def _list(known: Mapping[str, EngineKind]) -> str:
    return ", ".join(f"{kind.name} ({kind.suffix})" for kind in known.values())
