"""Label schemes by name: the package's, one TOML file each in `labels/schemes`, and a user's own files.

>>> scheme("face2").classes
('background', 'face')
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from faceparse.errors import LabelError
from faceparse.labels.file import SUFFIXES, plain, read_scheme, scheme_from
from faceparse.labels.scheme import Scheme


@cache
def schemes() -> Mapping[str, Scheme]:
    """Every scheme in the package by name."""
    entries = sorted(files("faceparse.labels").joinpath("schemes").iterdir(), key=lambda entry: entry.name)
    tables = [tomllib.loads(e.read_text(encoding="utf-8")) for e in entries if e.name.endswith(".toml")]
    return MappingProxyType({t["name"]: scheme_from(t, f"label scheme {t['name']!r}") for t in tables})


def scheme(name: str | Path | Scheme | Mapping[str, object]) -> Scheme:
    """The scheme of that name; a `Scheme` passes through.

    Args:
        name: A scheme in the package, a YAML or TOML file with a scheme of one's own, or a scheme as
            plain data (`faceparse.labels.plain`), as models and results carry it.

    Raises:
        LabelError: no such scheme, or a file that is none.
    """
    if isinstance(name, Scheme):
        return name
    if isinstance(name, Mapping):
        return _packaged(scheme_from(name, f"label scheme {name.get('name', 'without a name')!r}"))
    if not isinstance(name, str | Path):
        raise LabelError(f"a label scheme is a name, a file or a table, got {name!r}")
    if Path(name).suffix.lower() in SUFFIXES:
        scheme = read_scheme(name)
        if schemes().get(scheme.name, scheme) != scheme:
            raise LabelError(
                f"label scheme {name}: the name {scheme.name!r} is taken by a scheme of faceparse"
            )
        return scheme
    try:
        return schemes()[str(name)]
    except KeyError:
        raise LabelError(
            f"no label scheme {str(name)!r}; there are {', '.join(schemes())}, or give a YAML file"
        ) from None


def _packaged(scheme: Scheme) -> Scheme:
    """The package's scheme where it is the same in all, else the scheme itself."""
    packaged = schemes().get(scheme.name)
    return packaged if packaged and plain(packaged) == plain(scheme) else scheme


def reference(scheme: Scheme) -> str | dict[str, Any]:
    """How a file of ours names a scheme: a packaged one by its name, any other in full.

    >>> reference(schemes()["face2"])
    'face2'
    """
    return scheme.name if _packaged(scheme) is schemes().get(scheme.name) else plain(scheme)
