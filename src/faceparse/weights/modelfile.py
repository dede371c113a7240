"""Find a model's file and card by name or path.

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

from faceparse.errors import MissingExtraError, WeightsError
from faceparse.weights.archive import ENDINGS
from faceparse.weights.cache import shelf
from faceparse.weights.card import Card, cards, unknown_model
from faceparse.weights.card import card as find_card
from faceparse.weights.checkpoint import read_checkpoint, safetensors_card
from faceparse.weights.contents import read_head
from faceparse.weights.onnxfile import onnx_card
from faceparse.weights.records import checked

_READERS: Mapping[str, Callable[[Path], Card | None]] = {".onnx": onnx_card, ".safetensors": safetensors_card}


class ModelFile(NamedTuple):
    """A model file that an engine can run, and its card."""

    path: Path
    card: Card


@cache
def packaged() -> Mapping[str, Path]:
    """Return the model files in the package by name."""
    folder = Path(str(files("faceparse.weights").joinpath("files")))
    return MappingProxyType({p.stem: p for p in sorted(folder.glob("*.onnx"))})


def find_model(model: str | os.PathLike[str], card: str | None = None) -> ModelFile:
    """Return the file and card of a model.

    >>> find_model("default").card.id  # doctest: +SKIP
    >>> find_model("published.onnx", card="my-card.toml")  # doctest: +SKIP

    Args:
        model: Card id of a model in the package or the cache; path of an .onnx or .safetensors file; or path
            of a checkpoint, which PyTorch imports into the cache.
        card: Card id or TOML file. A foreign file needs a card; for a file by faceparse it replaces the card
            inside.

    Raises:
        WeightsError: no such model; a file without a card, truncated, or of another kind than its name says;
            a cached file that differs from its card or record. The message names the commands that get or
            make the file.
    """
    name = os.fspath(model)
    path = packaged().get(name)
    if path is None:
        shelved = cached(name)
        path = checked(cards()[name], shelved) if shelved else _model_file(name, card)
    inside = _READERS[path.suffix.lower()](path) or cards().get(name)
    if card is not None:
        return ModelFile(path, find_card(card))
    if inside is None:
        raise WeightsError(
            f"{path} contains no model card: name one with --card "
            "(an id that faceparse weights list shows, or a TOML file)"
        )
    return ModelFile(path, inside)


def model_path(card: Card) -> Path:
    """Return the path of the model file that faceparse makes from a card's checkpoint; it need not exist."""
    return shelf(card.id) / f"{card.id}.safetensors"


def cached(model: str) -> Path | None:
    """Return a card's model file in the cache, made from its checkpoint or as published; None if neither exists."""
    if model not in cards():
        return None
    card = cards()[model]
    paths = (model_path(card), shelf(card.id, card.source.name))
    return next((path for path in paths if path.suffix.lower() in _READERS and path.is_file()), None)


def _model_file(name: str, card: str | None) -> Path:
    path = Path(name)
    if path.suffix.lower() in (*_READERS, *ENDINGS) or path.exists():
        read_head(path, "model")  # raises if it cannot be read
        if path.suffix.lower() not in _READERS:
            try:
                published = import_module("faceparse.models.published")
            except MissingExtraError:
                read_checkpoint(path)  # a file that is no checkpoint does not need PyTorch to be refused
                raise
            return Path(published.model_file(path, card))
        return path
    if name == "default":
        raise WeightsError("the default model is missing from this installation of faceparse: reinstall it")
    if name in cards():
        raise WeightsError(get_hint(cards()[name]))
    raise unknown_model(name, "an .onnx or .safetensors file")


def get_hint(card: Card) -> str:
    """Return a hint for a card without a model file, with the command that gets the file."""
    if (shelf(card.id, card.source.name)).is_file():
        return (
            f"{card.source.name} of {card.id} is here but not yet a model file: with PyTorch "
            f"(pip install 'faceparse[torch]') faceparse weights get {card.id} makes it one, without a download"
        )
    return f"the weights of {card.id} are not on this machine: faceparse weights get {card.id}"
