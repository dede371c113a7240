"""Making the model file of a published checkpoint in the cache.

>>> from faceparse.weights import card, fetch
>>> fetch(card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
>>> make_model_file(card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
PosixPath('…/bisenet-resnet18-yakhyo/bisenet-resnet18-yakhyo.safetensors')
"""

from __future__ import annotations

from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.models.importing import import_checkpoint
from faceparse.weights.backbone import backbone
from faceparse.weights.card import Card
from faceparse.weights.checkpoint import safetensors_card
from faceparse.weights.hashing import sha256
from faceparse.weights.modelfile import model_path
from faceparse.weights.records import Record, write_record
from faceparse.weights.store import published_path


def make_model_file(card: Card) -> Path:
    """Make the safetensors file of a card whose checkpoint is in the cache, unless it is there, and return its path.

    Raises:
        WeightsError: the checkpoint or the backbone that it needs is not in the cache, is unsafe or damaged, or
            does not fit the card's network.
        OutputError: the cache cannot be written.
    """
    checkpoint, target = published_path(card), model_path(card)
    if target.is_file():
        embedded = safetensors_card(target)
        if embedded is not None and embedded.source.sha256 == sha256(checkpoint):
            return target
    import_checkpoint(checkpoint, card.network, target, card=card, overwrite=True, **_backbone_file(card))
    record = Record(sha256(target), target.stat().st_size, checkpoint.name)
    write_record(target.parent, target.name, record)
    return target


def _backbone_file(card: Card) -> dict[str, Path]:
    """The option of `import_checkpoint` that takes the file of the card's backbone, if it has one."""
    if not card.backbone:
        return {}
    published = backbone(card.backbone)
    path = published_path(published)
    if not path.is_file():
        raise WeightsError(
            f"{card.id} needs the file of {published.title}, which is not in the cache: faceparse weights get {published.id}"
        )
    return {published.option: path}
