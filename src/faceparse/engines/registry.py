"""The engines by name.

A new engine is one file in this folder that calls `register`; a package outside names its own module
under the entry point group `faceparse.engines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceparse.engines.engine import Engine
from faceparse.errors import EngineError
from faceparse.registry import Registry
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


ENGINES = Registry[EngineKind]("engine", "engines", "faceparse.engines", EngineError)

register = ENGINES.register


def engines() -> Mapping[str, EngineKind]:
    """All registered engines by name."""
    return ENGINES.all()


def engine_for(path: Path, name: str = "auto") -> EngineKind:
    """The engine of that name, or with `auto` the one that runs files of this kind.

    Raises:
        EngineError: no such engine, or one that does not run this kind of file.
    """
    suffix = path.suffix.lower()
    kind = None if name == "auto" else ENGINES.find(name)
    if kind is not None and kind.suffix == suffix:
        return kind
    fitting = [other for other in engines().values() if other.suffix == suffix]
    if kind is not None:
        hint = f", or use --engine {fitting[0].name}" if fitting else ""
        mend = kind.instead.format(path=path, stem=path.stem)
        raise EngineError(f"engine {name!r} runs {kind.suffix} files, got {path}: {mend}{hint}")
    if not fitting:
        files = ", ".join(f"{other.name} ({other.suffix})" for other in engines().values())
        raise EngineError(f"no engine runs {path}; there are {files}")
    return fitting[0]
