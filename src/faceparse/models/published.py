"""Published checkpoints as model files: recognised by their tensors, and imported into the cache by their SHA-256.

>>> model_file(Path("79999_iter.pth"))  # doctest: +SKIP
PosixPath('…/weights/imported/468e…/bisenet-zllrunning/79999_iter.safetensors')
"""

from __future__ import annotations

from pathlib import Path

from faceparse.errors import WeightsError
from faceparse.models.fitting import compare_best, fits
from faceparse.models.importing import backbone_files, import_checkpoint
from faceparse.models.registry import network as find_network
from faceparse.registry import either
from faceparse.weights.cache import cache_folder
from faceparse.weights.card import Card, cards
from faceparse.weights.card import card as find_card
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint
from faceparse.weights.hashing import noted_sha256, sha256
from faceparse.weights.records import Record, read_records, write_record


def model_file(checkpoint: Path, card: str | None = None) -> Path:
    """Import a checkpoint into the cache as a safetensors file, unless it is there; return the file's path.

    Args:
        checkpoint: A checkpoint, as for `faceparse.weights.checkpoint.read_checkpoint`; no code in it runs.
        card: Card id or TOML file; None: the card with the checkpoint's SHA-256, else the only card that
            fits.

    Raises:
        WeightsError: not a checkpoint; no card or several cards fit; the cache lacks a backbone that it
            needs.
        OutputError: the cache cannot be written.
    """
    digest = sha256(checkpoint)
    matches = (c for c in cards().values() if c.source.sha256 == digest)
    new_card = next(matches, None) if card is None else find_card(card)
    folder = cache_folder() / "imported" / digest / (new_card.network if new_card else "recognised")
    target = folder / f"{checkpoint.stem}.safetensors"
    record = read_records(folder).get(target.name)
    if record and target.is_file() and noted_sha256(target) == record.sha256:
        return target
    file = read_checkpoint(checkpoint)
    if new_card is None and file.card is None and file.settings is None:
        new_card = recognise(file)
    any_card = new_card or file.card
    network = find_network(any_card.network if any_card else str((file.settings or {}).get("network")))
    options = {} if any_card is None else {"num_classes": len(any_card.label_scheme)}
    absent = compare_best(network, options, file.tensors)[1]
    backbones = backbone_files(any_card) if absent and any_card else {}
    parts = {name: path for name, path in backbones.items() if name in absent}
    import_checkpoint(checkpoint, network.name, target, card=new_card, overwrite=True, **parts)
    write_record(folder, target.name, Record(sha256(target), target.stat().st_size, checkpoint.name))
    return target


def recognise(file: Checkpoint) -> Card:
    """Return the only card whose network fits a checkpoint's tensor names and shapes.

    Raises:
        WeightsError: no card or several cards fit; the message names them.
    """
    networks = fits(file.tensors)
    fitting = [
        c
        for c in cards().values()
        if c.network in networks and not c.source.name.endswith(".onnx") and not c.variant
    ]
    if len(fitting) == 1:
        return fitting[0]
    fault = f"{file.path} does not say what its preprocessing, classes and terms are"
    if fitting:
        raise WeightsError(f"{fault}, and fits {len(fitting)} cards: --card {either(c.id for c in fitting)}")
    kind = f"of {either(networks)}, without a card" if networks else "of no network here"
    raise WeightsError(
        f"{fault}, and its tensors are {kind}: give --card with a TOML file, or an id of faceparse weights list"
    )
