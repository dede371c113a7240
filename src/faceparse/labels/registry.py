"""The registry of label schemes: those of faceparse, those of other packages, and a user's files.

Each scheme of faceparse is a TOML file in `labels/schemes`. Another package adds a `faceparse.Scheme` by an
entry point of the group `faceparse.schemes`.

>>> scheme("face2").classes
('background', 'face')
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from faceparse.errors import LabelError
from faceparse.labels.file import SUFFIXES, plain, read_scheme, scheme_from
from faceparse.labels.groups import ALIASES, GROUPS
from faceparse.labels.scheme import Scheme
from faceparse.registry import Registry

_FILES = sorted((Path(__file__).parent / "schemes").glob("*.toml"))
PACKAGED: Mapping[str, Scheme] = {file.stem: read_scheme(file) for file in _FILES}
"""Name → scheme, for every scheme of faceparse itself."""

SCHEMES = Registry[Scheme](
    *("label scheme", "labels", "faceparse.schemes", LabelError),
    check=lambda scheme: "" if isinstance(scheme, Scheme) else "is no faceparse.Scheme",
    instead=", or give a YAML file",
)
for _scheme in PACKAGED.values():
    SCHEMES.register(_scheme)


def schemes() -> Mapping[str, Scheme]:
    """Return all schemes by name: those of faceparse and those of other packages.

    >>> sorted(schemes())[:4]
    ['celebamask19', 'face2', 'hair2', 'helen11']
    """
    return SCHEMES.all()


def scheme(name: str | Path | Scheme | Mapping[str, object]) -> Scheme:
    """Return the scheme with this name, in this file or in this plain data; return a `Scheme` unchanged.

    Args:
        name: Name of a scheme of faceparse or another package, a YAML or TOML file with a scheme, or a
            scheme as plain data (`faceparse.labels.plain`), as models and results hold it.

    Raises:
        LabelError: no such scheme, or a file or table that is not a scheme.
    """
    if isinstance(name, Scheme):
        return name
    if isinstance(name, Mapping):
        return _packaged(scheme_from(name, f"label scheme {name.get('name', 'without a name')!r}"))
    if not isinstance(name, str | Path):
        raise LabelError(f"a label scheme is a name, a file or a table, got {name!r}")
    if Path(name).suffix.lower() in SUFFIXES:
        scheme = read_scheme(name)
        if PACKAGED.get(scheme.name, scheme) != scheme:
            raise LabelError(
                f"label scheme {name}: faceparse has another scheme {scheme.name!r}: choose another name"
            )
        return scheme
    return scheme_inside(str(name))


def scheme_inside(entry: Any) -> Scheme:
    """Return the scheme that a model or result file states as a name or a table; a path is refused, not opened.

    >>> scheme_inside("/etc/passwd.yaml")
    Traceback (most recent call last):
    faceparse.errors.LabelError: no label scheme '/etc/passwd.yaml'; there are celebamask19, ...

    Raises:
        LabelError: no such scheme, or a table that is not a scheme.
    """
    if not isinstance(entry, str):
        return scheme(entry)
    # faceparse's own schemes come first, because finding other packages' schemes takes much longer.
    return PACKAGED.get(entry) or SCHEMES.find(entry)


def home(name: str) -> str:
    """Return a sentence that says which scheme and model, or which method, has a class or group; empty if none has it.

    >>> home("beard")
    ' Scheme ourface11 has it: --model vgg19-dinov3-vitl16.'
    """
    if (
        name in import_module("faceparse.results.regions").REGIONS
    ):  # imported here and below for messages only, because these packages import this one
        return f" Each face has it: parsing.faces[0].region({name!r})."
    names = {name, ALIASES.get(name), *GROUPS.get(name, ())}
    having = [scheme.name for scheme in PACKAGED.values() if names & {*scheme.classes}]
    if not having:
        return ""
    cards = import_module("faceparse.weights.card").cards().values()
    models = {card.label_scheme.name: card.id for card in sorted(cards, key=lambda c: c.id == "default")}
    best = min(having, key=lambda name: (models.get(name) != "default", name not in models))
    return f" Scheme {best} has it{f': --model {models[best]}' if best in models else ''}."


def _packaged(scheme: Scheme) -> Scheme:
    """Return faceparse's own scheme of this name if both are equal in every part, else the scheme itself."""
    packaged = PACKAGED.get(scheme.name)
    return packaged if packaged and plain(packaged) == plain(scheme) else scheme


def reference(scheme: Scheme) -> str | dict[str, Any]:
    """Return what faceparse's files store for a scheme: the name of a scheme of faceparse, plain data for any other.

    >>> reference(scheme("face2"))
    'face2'
    """
    return scheme.name if _packaged(scheme) is PACKAGED.get(scheme.name) else plain(scheme)
