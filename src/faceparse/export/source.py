"""What an export starts from: a network with its weights, or a plain ONNX file of one, and its card."""

from __future__ import annotations

from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.models import Network, load_checkpoint, training_card
from faceparse.models.registry import network as find_network
from faceparse.weights import Card, cards
from faceparse.weights import card as find_card
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint
from faceparse.weights.hashing import sha256
from faceparse.weights.modelfile import find_model


def load_source(model: str | Path, card: str | None = None) -> tuple[Network | Path, Card]:
    """The network of a checkpoint in eval mode, or the path of an ONNX file, and its card.

    >>> load_source("best.ckpt")  # doctest: +SKIP
    >>> load_source("79999_iter.pth", card="bisenet-resnet18-zllrunning")  # doctest: +SKIP

    Args:
        model: Id of a card whose weights are here, a .safetensors file, training checkpoint or plain ONNX file of
            ours, or a published checkpoint.
        card: Card id or TOML file. A published checkpoint needs it unless a packaged card describes that
            very file; elsewhere it replaces the file's own.

    Raises:
        WeightsError: no such file; not a checkpoint, or of another network than its card says; no card; an
            ONNX file in which precision or form was changed already.
    """
    path = Path(model)
    given = None if card is None else find_card(card)
    if path.suffix.lower() == ".onnx" or not path.is_file():
        # A card's weights on this machine; else this says what there is and how to get it.
        found = find_model(str(model), card)
        if found.path.suffix.lower() == ".onnx":
            if found.card.variant is not None:
                raise WeightsError(
                    f"{found.path} is an export already ({found.card.variant}): start from the plain .onnx file, the "
                    ".safetensors file or the checkpoint that it was made from"
                )
            return found
        path = found.path
    file = read_checkpoint(path)
    chosen = given or file.card
    if chosen is None and file.settings is not None:
        return _trained(file)
    if chosen is None:
        chosen = _card_of(path)
    return load_checkpoint(chosen.network, file, num_classes=len(chosen.label_scheme)), chosen


def _trained(file: Checkpoint) -> tuple[Network, Card]:
    name = str((file.settings or {}).get("network"))
    network = load_checkpoint(find_network(name).name, file)
    return network, training_card(file, name, network, file.path.stem)


def _card_of(path: Path) -> Card:
    digest = sha256(path)
    for known in cards().values():
        if known.source.sha256 == digest:
            return known
    raise WeightsError(
        f"{path} says nothing of its network, preprocessing, classes and licence: name its card with --card "
        f"({', '.join(cards())}, or a TOML file)"
    )
