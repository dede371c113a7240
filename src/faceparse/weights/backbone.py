"""Separately published backbones: weights that face parsers start from or contain, under their own terms.

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
    """One published backbone, described by a TOML file in `weights/backbones`.

    Attributes:
        id: Name of the backbone in faceparse.
        title: One-line title.
        option: Option of `faceparse.models.load` that takes the backbone's file.
        training: Training data, one line.
        source: Where the file comes from.
        licence: Terms of the weights.
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
        """Name of the training data."""
        return self.training


Published = Card | Backbone
"""A card or a backbone: both describe a published file."""


@cache
def backbones() -> Mapping[str, Backbone]:
    """Return every backbone in the package by id."""
    paths = packaged_tables("backbones")
    tables = (
        build(Backbone, read_file(p, "backbone", WeightsError), f"backbone {p}", WeightsError) for p in paths
    )
    return MappingProxyType({b.id: b for b in tables})


def backbone(name: str) -> Backbone:
    """Return the backbone with this id.

    Raises:
        WeightsError: no such backbone.
    """
    try:
        return backbones()[name]
    except KeyError:
        raise WeightsError(f"no backbone {name!r}; there are {', '.join(backbones())}") from None


def all_published() -> tuple[Published, ...]:
    """Return every card and every backbone in the package."""
    return (*cards().values(), *backbones().values())


def find_published(name: str) -> Published:
    """Return the card or backbone with this id, or the card in the TOML file at this path.

    Raises:
        WeightsError: no such card or backbone.
    """
    return backbones()[name] if name in backbones() and name not in cards() else find_card(name)
