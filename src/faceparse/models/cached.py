"""From a published checkpoint in the cache to a model file beside it.

>>> from faceparse.weights import card, fetch
>>> fetch(card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
>>> prepare(card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
PosixPath('…/bisenet-resnet18-yakhyo/bisenet-resnet18-yakhyo.safetensors')
"""

from __future__ import annotations

from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.models.importing import import_checkpoint
from faceparse.weights.card import Card
from faceparse.weights.checkpoint import embedded_card
from faceparse.weights.hashing import sha256
from faceparse.weights.modelfile import made_path
from faceparse.weights.records import Record, write_record
from faceparse.weights.store import published_path
from faceparse.weights.trunk import trunk


def prepare(card: Card) -> Path:
    """The safetensors file of a card whose checkpoint is in the cache; made where it is not there yet.

    Raises:
        WeightsError: the checkpoint or the trunk that it needs is not there, or it is unsafe, damaged, or not
            of the card's network.
        OutputError: the cache cannot be written.
    """
    checkpoint, target = published_path(card), made_path(card)
    if target.is_file():
        inside = embedded_card(target)
        if inside is not None and inside.source.sha256 == sha256(checkpoint):
            return target
    import_checkpoint(checkpoint, card.network, target, card=card, overwrite=True, **_with_trunk(card))
    record = Record(sha256(target), target.stat().st_size, checkpoint.name)
    write_record(target.parent, target.name, record)
    return target


def _with_trunk(card: Card) -> dict[str, Path]:
    if not card.trunk:
        return {}
    needed = trunk(card.trunk)
    path = published_path(needed)
    if not path.is_file():
        raise WeightsError(
            f"{card.id} stands on {needed.title}, whose own file is not here: faceparse weights get {needed.id}"
        )
    return {needed.option: path}
