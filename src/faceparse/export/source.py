"""The source of an export: a network with its weights or a plain ONNX file, and the card."""

from __future__ import annotations

from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.models import Network, load_checkpoint, training_card
from faceparse.models.registry import network as find_network
from faceparse.weights import Card
from faceparse.weights import card as find_card
from faceparse.weights.checkpoint import read_checkpoint
from faceparse.weights.modelfile import find_model


def load_source(model: str | Path, card: str | None = None) -> tuple[Network | Path, Card]:
    """Load the network of a checkpoint in eval mode, or find an ONNX file; return it with its card.

    >>> load_source("best.ckpt")  # doctest: +SKIP
    >>> load_source("79999_iter.pth", card="bisenet-resnet18-zllrunning")  # doctest: +SKIP

    Args:
        model: Id of a card whose weights are on this machine; a .safetensors file, training checkpoint or
            plain ONNX file of faceparse; or a published checkpoint.
        card: Card id or TOML file. A published checkpoint needs a card if several cards fit its tensors; for other
            files the card replaces the card inside the file.

    Raises:
        WeightsError: no such file; not a checkpoint, or a checkpoint of another network than the card's; no
            card; an ONNX file of another precision or form.
    """
    path = Path(model)
    if path.suffix.lower() == ".onnx" or not path.is_file():
        model_file = find_model(str(model), card)  # an unknown model's error says how to get it
        if model_file.path.suffix.lower() == ".onnx":
            if model_file.card.variant is not None:
                raise WeightsError(
                    f"{model_file.path} is an export already ({model_file.card.variant}): start from its plain .onnx "
                    "file, .safetensors file or checkpoint"
                )
            return model_file
        path = model_file.path
    file = read_checkpoint(path)
    chosen = file.card if card is None else find_card(card)
    if chosen is None and file.settings is not None:
        name = str(file.settings.get("network"))
        network = load_checkpoint(find_network(name).name, file)
        return network, training_card(file, name, network, path.stem)
    if chosen is None:
        path, chosen = find_model(path)  # recognises the checkpoint and imports it into the cache
        file = read_checkpoint(path)
    return load_checkpoint(chosen.network, file, num_classes=len(chosen.label_scheme)), chosen
