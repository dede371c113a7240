"""Backbones published on their own: weights that face parsers start from or contain, under terms of their own.

>>> backbone("dinov3-vitl16").licence.consent
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import ClassVar

from faceparse.errors import WeightsError
from faceparse.tables import build, read_file
from faceparse.weights.card import Card, Figure, Licence, Source, cards, packaged_tables
from faceparse.weights.card import card as find_card


@dataclass(frozen=True)
class Backbone:
    """One published backbone: one TOML file in `weights/backbones`.

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
    network: ClassVar[str] = "backbone"
    limits: ClassVar[str] = ""
    figures: ClassVar[tuple[Figure, ...]] = ()
    headline: ClassVar[None] = None
    parameters: ClassVar[int] = 0
    backbone: ClassVar[str] = ""

    @property
    def data(self) -> str:
        """Name of the data that it was trained on."""
        return self.training


Published = Card | Backbone
"""What has a file that somebody published."""


@cache
def backbones() -> Mapping[str, Backbone]:
    """Every backbone in the package by id."""
    paths = packaged_tables("backbones")
    tables = (
        build(Backbone, read_file(p, "backbone", WeightsError), f"backbone {p}", WeightsError) for p in paths
    )
    return MappingProxyType({b.id: b for b in tables})


def backbone(name: str) -> Backbone:
    """The backbone of that id.

    Raises:
        WeightsError: no such backbone.
    """
    try:
        return backbones()[name]
    except KeyError:
        raise WeightsError(f"no backbone {name!r}; there are {', '.join(backbones())}") from None


def all_published() -> tuple[Published, ...]:
    """Every card and every backbone in the package."""
    return (*cards().values(), *backbones().values())


def find_published(name: str) -> Published:
    """The card or backbone of that id, or the card of a TOML file by its path.

    Raises:
        WeightsError: there is neither.
    """
    return backbones()[name] if name in backbones() and name not in cards() else find_card(name)
