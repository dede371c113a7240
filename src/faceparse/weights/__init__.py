"""Model cards, preprocessing, and checkpoint files: safe reading, importing, locating."""

from faceparse.weights.card import Card, Figure, Grid, Licence, Source, card, cards, parse_card, read_card
from faceparse.weights.checkpoint import Checkpoint, embedded_card, read_checkpoint, write_safetensors
from faceparse.weights.preprocessing import Preprocessing

__all__ = [
    "Card",
    "Checkpoint",
    "Figure",
    "Grid",
    "Licence",
    "Preprocessing",
    "Source",
    "card",
    "cards",
    "embedded_card",
    "parse_card",
    "read_card",
    "read_checkpoint",
    "write_safetensors",
]
