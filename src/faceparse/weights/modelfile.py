"""Finding a model by name or path: its file and its card.

>>> from faceparse.weights.modelfile import find_model
>>> path, card = find_model("default")  # doctest: +SKIP
>>> card.scheme  # doctest: +SKIP
'celebamask19'
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from faceparse.errors import WeightsError
from faceparse.weights.archive import ENDINGS
from faceparse.weights.cache import shelf
from faceparse.weights.card import Card, cards, unknown_model
from faceparse.weights.card import card as find_card
from faceparse.weights.checkpoint import safetensors_card
from faceparse.weights.onnxfile import onnx_card
from faceparse.weights.records import checked

_READERS: Mapping[str, Callable[[Path], Card | None]] = {".onnx": onnx_card, ".safetensors": safetensors_card}


class ModelFile(NamedTuple):
    """A model file that an engine can run, and its card."""

    path: Path
    card: Card


@cache
def packaged() -> Mapping[str, Path]:
    """The model files in the package by name."""
    folder = Path(str(files("faceparse.weights").joinpath("files")))
    return MappingProxyType({p.stem: p for p in sorted(folder.glob("*.onnx"))})


def find_model(model: str | os.PathLike[str], card: str | None = None) -> ModelFile:
    """The file and card of a model.

    >>> find_model("default").card.id  # doctest: +SKIP
    >>> find_model("published.onnx", card="my-card.toml")  # doctest: +SKIP

    Args:
        model: Card id of a model in the package or in the cache, or path of an .onnx or .safetensors file, or of a
            checkpoint, which PyTorch imports into the cache.
        card: Card id or TOML file. A foreign file needs it; for a file of ours it replaces the one inside.

    Raises:
        WeightsError: no such model, a file without a card, cut short, not what its name says, or one in the cache that
            is not what its card or record says; the message has the commands that get or make the file.
    """
    name = os.fspath(model)
    shelved = cached(name)
    path = packaged().get(name) or (checked(cards()[name], shelved) if shelved else _model_file(name, card))
    inside = _READERS[path.suffix.lower()](path) or cards().get(name)
    if card is not None:
        return ModelFile(path, find_card(card))
    if inside is None:
        raise WeightsError(
            f"{path} carries no model card, and nothing about a model is guessed: name one with --card "
            "(an id that faceparse weights list shows, or a TOML file)"
        )
    return ModelFile(path, inside)


def model_path(card: Card) -> Path:
    """Where the model file that faceparse makes of a card's published checkpoint lies, or would lie."""
    return shelf(card.id) / f"{card.id}.safetensors"


def cached(model: str) -> Path | None:
    """The model file of a card in the cache: made from its checkpoint, or as published; None where neither is."""
    if model not in cards():
        return None
    card = cards()[model]
    paths = (model_path(card), shelf(card.id, card.source.name))
    return next((path for path in paths if path.suffix.lower() in _READERS and path.is_file()), None)


def _model_file(name: str, card: str | None) -> Path:
    path = Path(name)
    if path.suffix.lower() in (*_READERS, *ENDINGS) or path.exists():
        if not path.is_file():
            raise WeightsError(f"no model file {path}" + (": it is a folder" if path.is_dir() else ""))
        if path.suffix.lower() not in _READERS:
            return Path(import_module("faceparse.models.published").model_file(path, card))
        return path
    if name == "default":
        raise WeightsError("the default model is missing from this installation of faceparse: reinstall it")
    if name in cards():
        raise WeightsError(get_hint(cards()[name]))
    raise unknown_model(name, "an .onnx or .safetensors file")


def get_hint(card: Card) -> str:
    """What is missing of a card's model file, and the command that gets it."""
    if (shelf(card.id, card.source.name)).is_file():
        return (
            f"{card.source.name} of {card.id} is here but not yet a model file: with PyTorch "
            f"(pip install 'faceparse[torch]') faceparse weights get {card.id} makes it one, without a download"
        )
    return f"the weights of {card.id} are not on this machine: faceparse weights get {card.id}"
