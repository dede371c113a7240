"""Label schemes by name: the package's, one TOML file each in `labels/schemes`, other packages', and a user's files.

A package brings one, a `faceparse.Scheme`, through an entry point of the group `faceparse.schemes`.

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
"""Every scheme in the package by name."""

SCHEMES = Registry[Scheme](
    *("label scheme", "labels", "faceparse.schemes", LabelError),
    check=lambda scheme: "" if isinstance(scheme, Scheme) else "is no faceparse.Scheme",
    instead=", or give a YAML file",
)
for _scheme in PACKAGED.values():
    SCHEMES.register(_scheme)


def schemes() -> Mapping[str, Scheme]:
    """Every scheme by name: the package's, and those that other packages bring.

    >>> sorted(schemes())[:4]
    ['celebamask19', 'face2', 'hair2', 'helen11']
    """
    return SCHEMES.all()


def scheme(name: str | Path | Scheme | Mapping[str, object]) -> Scheme:
    """The scheme of that name; a `Scheme` passes through.

    Args:
        name: A scheme of the package or of an installed one, a YAML or TOML file with a scheme of one's own, or a
            scheme as plain data (`faceparse.labels.plain`), as models and results carry it.

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
        if PACKAGED.get(scheme.name, scheme) != scheme:
            raise LabelError(f"label scheme {name}: the name {scheme.name!r} is taken by one of faceparse")
        return scheme
    return scheme_inside(str(name))


def scheme_inside(entry: Any) -> Scheme:
    """The scheme that a file states inside, by name or in full; a path there is no name, and no file is opened.

    >>> scheme_inside("/etc/passwd.yaml")
    Traceback (most recent call last):
    faceparse.errors.LabelError: no label scheme '/etc/passwd.yaml'; there are celebamask19, ...

    Raises:
        LabelError: no such scheme, or a table that is none.
    """
    if not isinstance(entry, str):
        return scheme(entry)
    # Without a look at what other packages bring, which costs more than all else here.
    return PACKAGED.get(entry) or SCHEMES.find(entry)


def home(name: str) -> str:
    """A sentence on where a class or group is: a scheme and model, or each face; empty if nowhere.

    >>> home("beard")
    ' Scheme ourface11 has it: --model vgg19-dinov3-vitl16.'
    """
    if (
        name in import_module("faceparse.results.regions").REGIONS
    ):  # of rooms above, here and below, for messages alone
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
    """The package's scheme where it is the same in all, else the scheme itself."""
    packaged = PACKAGED.get(scheme.name)
    return packaged if packaged and plain(packaged) == plain(scheme) else scheme


def reference(scheme: Scheme) -> str | dict[str, Any]:
    """How faceparse's files name a scheme: a packaged one by its name, any other in full.

    >>> reference(scheme("face2"))
    'face2'
    """
    return scheme.name if _packaged(scheme) is PACKAGED.get(scheme.name) else plain(scheme)
