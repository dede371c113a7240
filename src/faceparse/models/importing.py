"""Import of any supported checkpoint into a safetensors file of faceparse, with a card inside.

>>> import_checkpoint("79999_iter.pth", "bisenet-zllrunning", "79999.safetensors")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from faceparse.errors import ConfigError, OutputError, WeightsError
from faceparse.models.loading import find_part, load_checkpoint
from faceparse.models.registry import Network
from faceparse.weights.backbone import backbone
from faceparse.weights.card import Card, cards, parse_card
from faceparse.weights.card import card as find_card
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint, safetensors_card, write_safetensors
from faceparse.weights.hashing import noted_sha256, sha256
from faceparse.weights.modelfile import model_path
from faceparse.weights.records import Record, check, checked, write_record
from faceparse.weights.store import published_path

_LOG = logging.getLogger("faceparse")

UNKNOWN_TERMS = "Unknown: state the terms of the training data."


def import_checkpoint(
    checkpoint: str | Path,
    network: str,
    output: str | Path,
    *,
    card: str | Card | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Card:
    """Write a checkpoint as a safetensors file with faceparse's tensor names and a card as metadata; return the card.

    Args:
        checkpoint: A checkpoint, as for `load`; it is never written to.
        network: Name of a registered network.
        output: A `.safetensors` file; written completely or not at all.
        card: Id of a packaged card, a TOML file, or a `Card`. None suffices for a file of faceparse, and for
            a file whose SHA-256 is in a packaged card.
        overwrite: Whether an existing `output` may be replaced.
        options: Options of the network's builder, and files of parts that the checkpoint lacks,
            `dinov3="dinov3_vitl16_….pth"`, as for `load`.

    Raises:
        WeightsError: as for `load`; no card for another project's file; a card of another network.
        ConfigError: `output` does not end in `.safetensors`, or the network has no such part.
        OutputError: `output` exists, is the checkpoint itself, or cannot be written.
    """
    source, target = Path(checkpoint), Path(output)
    for option in options.keys() - {"num_classes"}:
        find_part(network, option)
    check_target(source, target, overwrite)
    card = find_card(card) if isinstance(card, str) else card
    file = read_checkpoint(source)
    digest = sha256(source)
    base_card = card or file.card or _packaged_card(digest, network)
    classes = {} if base_card is None else {"num_classes": len(base_card.label_scheme)}
    instance = load_checkpoint(network, file, **{**classes, **options})
    its_card = base_card or training_card(file, network, instance, target.stem)
    if its_card.network != network:
        raise WeightsError(
            f"card {its_card.id} is of network {its_card.network}, not {network}: give the card of these weights"
        )
    if file.card is None:  # else the file's card names the original checkpoint already
        its_card = _with_source(its_card, source, digest)
    write_safetensors(target, instance.state_dict(), its_card, overwrite=overwrite)
    return its_card


def make_model_file(card: Card) -> Path:
    """Return the safetensors file of a card; first make it from the cached checkpoint if it is missing or outdated.

    >>> from faceparse.weights import fetch
    >>> fetch(find_card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
    >>> make_model_file(find_card("bisenet-resnet18-yakhyo"))  # doctest: +SKIP
    PosixPath('…/bisenet-resnet18-yakhyo/bisenet-resnet18-yakhyo.safetensors')

    Raises:
        WeightsError: the checkpoint or a backbone that it needs is not in the cache, is unsafe or damaged, or
            does not fit the card's network.
        OutputError: the cache cannot be written.
    """
    checkpoint, target = published_path(card), model_path(card)
    digest = noted_sha256(checked(card, checkpoint))
    if check(card, target, again=True).status == "ok":
        embedded = safetensors_card(target)
        if embedded is not None and embedded.source.sha256 == digest:
            return target
    import_checkpoint(checkpoint, card.network, target, card=card, overwrite=True, **backbone_files(card))
    write_record(target.parent, target.name, Record(sha256(target), target.stat().st_size, checkpoint.name))
    return target


def backbone_files(card: Card) -> dict[str, Path]:
    """Return option of `load` → cached file of the backbone that a card's checkpoint lacks; empty if it lacks none.

    Raises:
        WeightsError: the file is not in the cache, or is damaged.
    """
    if not card.backbone:
        return {}
    published = backbone(card.backbone)
    path = published_path(published)
    if not path.is_file():
        raise WeightsError(
            f"{card.id} needs the file of {published.title}, which is not in the cache: faceparse weights get "
            f"{published.id}"
        )
    return {published.option: checked(published, path)}


def training_card(file: Checkpoint, name: str, network: Network, model: str) -> Card:
    """Make the card of a training checkpoint of faceparse from the settings inside the checkpoint.

    Args:
        file: The checkpoint.
        name: Name of the checkpoint's registered network.
        network: The network itself, which says how the logits lie on the input.
        model: The card's id.

    Raises:
        WeightsError: a checkpoint without settings, or with incomplete settings.
    """
    about = file.settings
    if about is None:
        fitting = (c for c in cards().values() if c.network == name and not c.source.name.endswith(".onnx"))
        ids = "".join(f"{c.id}, or " for c in fitting)
        raise WeightsError(
            f"{file.path} does not say what its preprocessing, classes and terms are: name its card with "
            f"--card ({ids}a TOML file)"
        )
    try:
        raw: dict[str, Any] = {
            "id": model,
            "title": f"{name}, trained with faceparse",
            "network": name,
            "parameters": sum(p.numel() for p in network.parameters()),
            "scheme": about["scheme"],
            "input": {
                "size": [size, size] if isinstance(size := about["size"], int) else list(size),
                "mean": list(about["mean"]),
                "std": list(about["std"]),
                **{key: about[key] for key in ("channels", "scale", "interpolation") if key in about},
                "warp": "lapa" if network.needs_landmarks else "",
                "multiple": network.multiple,
            },
            "output": {"stride": network.grid.stride, "align_corners": network.grid.align_corners},
            "source": {"file": file.path.name, "project": "faceparse train"},
            "licence": {"weights": "Unknown", "terms": UNKNOWN_TERMS, **about.get("licence", {})},
            "training": _training(about.get("settings", {})),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"the settings inside {file.path} are incomplete: {error}") from None
    return parse_card(raw, f"the settings inside {file.path}")


def _training(settings: Mapping[str, Any]) -> str:
    data = settings.get("data", {})
    # Only the folder's name: paths of the machine that trained the model are private.
    folder = PurePath(str(data.get("root", "unknown data"))).name
    return f"{folder}, split {data.get('train', 'unknown')}, chosen on {data.get('val', 'unknown')}"


def check_target(source: Path, target: Path, overwrite: bool, suffix: str = ".safetensors") -> None:
    """Check, before other work, that an output has the right suffix, is not the checkpoint, and may be written.

    Raises:
        ConfigError: another suffix.
        OutputError: `target` exists and `overwrite` is False, or is `source`.
    """
    if target.suffix != suffix:
        raise ConfigError(f"the output is a {suffix} file, got {target.name}")
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target} is the checkpoint itself, which is never written to: name another file")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists already: name another file, or give --overwrite")


def _packaged_card(digest: str, network: str) -> Card | None:
    matches = (c for c in cards().values() if c.source.sha256 == digest and c.network == network)
    return next(matches, None)


def _with_source(card: Card, source: Path, digest: str) -> Card:
    """Return the card with `source` as its source; drop the card's scores if they belong to another file."""
    if card.source.sha256 == digest:
        return card
    figures = card.figures
    if card.source.sha256:
        _LOG.warning("%s is not the file of card %s: the new card has no figures", source.name, card.id)
        figures = ()
    return replace(card, source=replace(card.source, file=source.name, sha256=digest), figures=figures)
