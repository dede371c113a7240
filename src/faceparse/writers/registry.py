"""Output forms by name: the package's, and those of installed plugins.

A plugin declares a form as an entry point of the group `faceparse.writers` in its pyproject.toml:

    [project.entry-points."faceparse.writers"]
    heat = "its_package.heat:Heat"

`Heat` is a `Writer` whose `name` is `heat`. Once the plugin is installed, `--save heat` works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError, DataError, OutputError
from faceparse.registry import Registry, in_short
from faceparse.results import Parsing
from faceparse.writers.options import with_options
from faceparse.writers.writer import FileWriter, Writer


def _problem(kind: object) -> str:
    if not (isinstance(kind, type) and issubclass(kind, Writer)):
        return "is no subclass of faceparse.writers.Writer"
    missing = [a for a in ("name", "endings") if not hasattr(kind, a)] + sorted(kind.__abstractmethods__)
    return f"lacks {', '.join(missing)}" if missing else ""


WRITERS = Registry[type[Writer]](
    "output form", "writers.forms", "faceparse.writers", ConfigError, check=_problem
)
"""Name → writer class; each file in `writers/forms` has the name of its form."""

register = WRITERS.register


def writers(names: Iterable[str], options: Mapping[str, object] | None = None) -> dict[str, Writer]:
    """Return the writers with these names, from the package or plugins, with these options set.

    >>> writers(["mask", "overlay"], {"alpha": 0.3})["overlay"]
    Overlay(alpha=0.3, outline=0, quality=90)

    Args:
        names: Names as `--save` accepts them.
        options: Name → value; each option applies to every writer in `names` that has it. Text is converted
            to the option's type.

    Raises:
        ConfigError: no name; a name that is unknown, claimed twice or does not load; an option that no writer
            has; a value out of range.
    """
    chosen = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not chosen:
        raise ConfigError(f"--save takes {in_short(WRITERS)}; got nothing")
    return with_options({name: WRITERS.find(name) for name in chosen}, options or {}, WRITERS)


def save(parsing: Parsing, path: Path) -> None:
    """Write a parsing to one file, in the form that the file's suffix names; see `Parsing.save`."""
    forms = _forms_of_suffixes()
    if path.suffix.lower() not in forms:
        raise OutputError(
            f"a parsing is saved as {', '.join(forms)}, not as {path.name}: "
            "for other forms see faceparse.writers.write"
        )
    forms[path.suffix.lower()]().save(parsing, path)


def load(path: Path, image: NDArray[np.uint8] | None = None) -> Parsing:
    """Read a parsing from a file whose form holds a whole parsing; see `Parsing.load`."""
    if not path.exists():
        raise DataError(f"no such file: {path}")
    return _forms_of_suffixes().get(path.suffix.lower(), FileWriter).load(path, image)


def _forms_of_suffixes() -> dict[str, type[FileWriter]]:
    return {w.suffix: w for w in WRITERS.values() if issubclass(w, FileWriter) and w.suffix}
