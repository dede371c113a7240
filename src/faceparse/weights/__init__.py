"""Model cards, the cache of downloaded weights, preprocessing, and safe reading of checkpoint files."""

from faceparse.weights.backbone import Backbone, backbone, backbones
from faceparse.weights.cache import cache_folder
from faceparse.weights.card import Card, Figure, Grid, Licence, Source, card, cards, parse_card, read_card
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint, safetensors_card, write_safetensors
from faceparse.weights.preprocessing import Preprocessing
from faceparse.weights.records import FileCheck
from faceparse.weights.store import add_file, fetch, published_path, verify
from faceparse.weights.variant import Variant

__all__ = [
    "Backbone",
    "Card",
    "Checkpoint",
    "Figure",
    "FileCheck",
    "Grid",
    "Licence",
    "Preprocessing",
    "Source",
    "Variant",
    "add_file",
    "backbone",
    "backbones",
    "cache_folder",
    "card",
    "cards",
    "fetch",
    "parse_card",
    "published_path",
    "read_card",
    "read_checkpoint",
    "safetensors_card",
    "verify",
    "write_safetensors",
]
