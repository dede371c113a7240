"""Trunks published on their own: weights that a face parser stands on, under terms of their own.

>>> trunk("dinov3-vitl16").licence.consent
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from faceparse.errors import WeightsError
from faceparse.tables import build, read_file
from faceparse.weights.card import Card, Licence, Source, cards
from faceparse.weights.card import card as find_card


@dataclass(frozen=True)
class Trunk:
    """One published trunk: one TOML file in `weights/trunks`.

    Attributes:
        id: Its name here.
        title: One line for people.
        option: The option of `faceparse.models.load` that takes its file.
        training: Data it was trained on, one line.
        source: Where the file comes from.
        licence: Terms.
    """

    id: str
    title: str
    option: str
    training: str
    source: Source
    licence: Licence


@cache
def trunks() -> Mapping[str, Trunk]:
    """Every trunk in the package by id."""
    folder = Path(str(files("faceparse.weights").joinpath("trunks")))
    found = {t.id: t for t in map(_read, sorted(folder.glob("*.toml")))}
    return MappingProxyType(found)


def trunk(name: str) -> Trunk:
    """The trunk of that id.

    Raises:
        WeightsError: no such trunk.
    """
    try:
        return trunks()[name]
    except KeyError:
        raise WeightsError(f"no trunk {name!r}; there are {', '.join(trunks())}") from None


def find_published(name: str) -> Card | Trunk:
    """The card or trunk of that id, or the card of a TOML file by its path.

    Raises:
        WeightsError: there is neither.
    """
    return trunks()[name] if name in trunks() and name not in cards() else find_card(name)


def _read(path: Path) -> Trunk:
    return build(Trunk, read_file(path, "trunk", WeightsError), f"trunk {path}", WeightsError)
