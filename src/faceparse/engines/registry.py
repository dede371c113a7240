"""The engines by name.

A new engine is one file in this folder that calls `register`; a package outside names its own module
under the entry point group `faceparse.engines`.
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
        name: What `--engine` takes.
        suffix: Ending of the model files it runs, such as `.onnx`.
        open: Function of a path, a card and the keywords `device` and `threads` of `open_engine` that makes
            the engine; imports its libraries only when called.
        devices: What `auto` tries in turn.
    """

    name: str
    suffix: str
    open: Callable[..., Engine]
    devices: tuple[str, ...] = ("cpu",)


ENGINES = Registry[EngineKind]("engine", "engines", "faceparse.engines", EngineError)

register = ENGINES.register


def engines() -> Mapping[str, EngineKind]:
    """All registered engines by name."""
    return ENGINES.all()


def engine_for(path: Path, name: str = "auto") -> EngineKind:
    """The engine of that name, or with `auto` the engine that runs this kind of file.

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
        raise EngineError(f"{subject} {path}; there are {files}")
    return fitting[0]
