"""A checkpoint of any known format → a safetensors file of ours, with its card inside.

>>> import_checkpoint("79999_iter.pth", "bisenet-zllrunning", "79999.safetensors")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from faceparse.errors import ConfigError, OutputError, WeightsError
from faceparse.models.loading import load_checkpoint
from faceparse.models.registry import Network
from faceparse.models.registry import network as find_network
from faceparse.weights.card import Card, cards, parse_card
from faceparse.weights.card import card as find_card
from faceparse.weights.checkpoint import Checkpoint, read_checkpoint, write_safetensors
from faceparse.weights.hashing import sha256

UNKNOWN_TERMS = "Unknown: state the terms of the training data."


@dataclass(frozen=True)
class Imported:
    """What `import_checkpoint` wrote.

    Attributes:
        path: The safetensors file.
        card: The card inside it.
        tensors: Number of tensors.
        parameters: Parameters of the network: the learned ones among the tensors' numbers.
        notes: What a person should know, one line each.
    """

    path: Path
    card: Card
    tensors: int
    parameters: int
    notes: tuple[str, ...] = ()


def import_checkpoint(
    checkpoint: str | Path,
    network: str,
    output: str | Path,
    *,
    card: str | Card | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Imported:
    """Write a checkpoint as a safetensors file with our tensor names and the card as metadata.

    Args:
        checkpoint: As for `load`; never written to.
        network: A registered network.
        output: A `.safetensors` file; written whole or not at all.
        card: Id of a packaged card, a TOML file, or a `Card`. May be left out where the file is ours, or is
            byte for byte one that a packaged card describes.
        overwrite: Whether an existing `output` may be replaced.
        options: As for `load`: for the network's builder, and the files of what the checkpoint leaves out,
            `dinov3="dinov3_vitl16_….pth"`.

    Raises:
        WeightsError: as for `load`; no card for a foreign file; a card of another network.
        ConfigError: `output` does not end in `.safetensors`, or the network has no such part.
        OutputError: `output` exists, is the checkpoint itself, or cannot be written.
    """
    source, target = Path(checkpoint), Path(output)
    _check_options(network, options)
    check_target(source, target, overwrite)
    given = find_card(card) if isinstance(card, str) else card
    file = read_checkpoint(source)
    digest = sha256(source)
    chosen = given or file.card or _known_card(digest, network)
    classes = {} if chosen is None else {"num_classes": len(chosen.label_scheme)}
    built = load_checkpoint(network, file, **{**classes, **options})
    if chosen is None:
        chosen = own_card(file, network, built, target.stem)
    if chosen.network != network:
        raise WeightsError(
            f"card {chosen.id} is of network {chosen.network}, not {network}: give the card of these weights"
        )
    # A file of ours that carries a card came from another file, which its card names already.
    ready, notes = (chosen, ()) if file.card is not None else _with_source(chosen, source, digest)
    state = built.state_dict()
    write_safetensors(target, state, ready, overwrite=overwrite)
    parameters = sum(p.numel() for p in built.parameters())
    return Imported(target, ready, len(state), parameters, notes)


def own_card(file: Checkpoint, name: str, network: Network, model: str) -> Card:
    """The card of a training checkpoint of ours, from the settings inside it.

    Args:
        file: The checkpoint.
        name: Its registered network.
        network: That network, for how its logits lie on the input.
        model: The card's id.

    Raises:
        WeightsError: a checkpoint without settings, or with incomplete ones.
    """
    about = file.settings
    if about is None:
        fitting = (c for c in cards().values() if c.network == name and not c.source.name.endswith(".onnx"))
        known = "".join(f"{c.id}, or " for c in fitting)
        raise WeightsError(
            f"{file.path} does not say what its preprocessing, classes and terms are, and nothing is "
            f"guessed: name its card with --card ({known}a TOML file)"
        )
    try:
        raw: dict[str, Any] = {
            "id": model,
            "title": f"{name}, trained with faceparse",
            "network": name,
            "parameters": sum(p.numel() for p in network.parameters()),
            "scheme": about["scheme"],
            "input": {
                "size": [about["size"], about["size"]],
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
    except (KeyError, TypeError) as error:
        raise WeightsError(f"the settings inside {file.path} are incomplete: {error}") from None
    return parse_card(raw, f"the settings inside {file.path}")


def _training(settings: Mapping[str, Any]) -> str:
    data = settings.get("data", {})
    # The folder's own name only: where it lay on the trainer's machine is nobody's business.
    folder = PurePath(str(data.get("root", "unknown data"))).name
    return f"{folder}, split {data.get('train', 'unknown')}, chosen on {data.get('val', 'unknown')}"


def _check_options(network: str, options: Iterable[str]) -> None:
    known = find_network(network).parts
    for option in options:
        if option != "num_classes" and option not in known:
            raise ConfigError(
                f"{network} has no part {option!r} with a file of its own: leave out --{option}"
            )


def check_target(source: Path, target: Path, overwrite: bool, suffix: str = ".safetensors") -> None:
    """Refuse an output of another kind, an existing one, and the checkpoint itself, before work is done.

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


def _known_card(digest: str, network: str) -> Card | None:
    known = (c for c in cards().values() if c.source.sha256 == digest and c.network == network)
    return next(known, None)


def _with_source(card: Card, source: Path, digest: str) -> tuple[Card, tuple[str, ...]]:
    """The card with the file it is really about; figures of another file do not come along."""
    if card.source.sha256 == digest:
        return card, ()
    noted = replace(card, source=replace(card.source, file=source.name, sha256=digest))
    if not card.source.sha256:
        return noted, ()
    note = (
        f"{source.name} is not the file that card {card.id} describes (SHA-256 {digest[:12]}…, there "
        f"{card.source.sha256[:12]}…): its figures were left out"
    )
    return replace(noted, figures=()), (note,)
