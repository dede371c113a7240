"""The engines by name.

A new engine is one file in this folder that calls `register`. A plugin registers its module under the entry
point group `faceparse.engines`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faceparse.engines.engine import Engine
from faceparse.errors import EngineError
from faceparse.registry import Registry


@dataclass(frozen=True)
class EngineKind:
    """One registered engine.

    Attributes:
        name: Name for `--engine`.
        suffix: Suffix of the model files that the engine runs, such as `.onnx`.
        open: Function that creates the engine from a path, a card and `open_engine`'s keywords `device` and
            `threads`; it imports libraries only when called.
        devices: Devices that `auto` tries, in order.
    """

    name: str
    suffix: str
    open: Callable[..., Engine]
    devices: tuple[str, ...] = ("cpu",)


ENGINES = Registry[EngineKind]("engine", "engines", "faceparse.engines", EngineError)

register = ENGINES.register


def engines() -> Mapping[str, EngineKind]:
    """Return all registered engines by name."""
    return ENGINES.all()


def engine_for(path: Path, name: str = "auto") -> EngineKind:
    """Return the engine of this name, or with `auto` the engine that runs this kind of file.

    Raises:
        EngineError: no such engine, or one that does not run this kind of file.
    """
    suffix = path.suffix.lower()
    kind = None if name == "auto" else ENGINES.find(name)
    if kind is not None and kind.suffix == suffix:
        return kind
    fitting = [other for other in engines().values() if other.suffix == suffix]
    if kind is not None or not fitting:
        files = ", ".join(f"{other.name} ({other.suffix})" for other in engines().values())
        subject = f"engine {name!r} does not run" if kind else "no engine runs"
        raise EngineError(f"{subject} {path}; the engines are {files}")
    return fitting[0]
