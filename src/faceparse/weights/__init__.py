"""Model cards, preprocessing, and checkpoint files: safe reading, importing, locating."""

from faceparse.weights.card import Card, Figure, Grid, Licence, Source, card, cards, parse_card, read_card
from faceparse.weights.preprocessing import Preprocessing

__all__ = [
    "Card",
    "Figure",
    "Grid",
    "Licence",
    "Preprocessing",
    "Source",
    "card",
    "cards",
    "parse_card",
    "read_card",
]
