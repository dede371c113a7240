"""`faceparse weights`: list weights, show their terms, and download them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from faceparse.cli.say import say

if TYPE_CHECKING:
    from faceparse.weights.backbone import Published

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Json = Annotated[bool, Option("--json", help="Print JSON.")]
One = Annotated[str, Argument(metavar="ID", help="A card's id, as faceparse weights list shows them.")]


@app.callback()
def _about() -> None:
    """List published weights, show their terms, download and check them.

    Only `faceparse weights get` downloads. FACEPARSE_CACHE moves the cache folder; FACEPARSE_OFFLINE=1 forbids
    every download.
    """


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List all weights: network, training data, size, mean F1, licence, and whether they are on disk.

    Example: `faceparse weights list`
    """
    import json

    from faceparse.weights import published_path
    from faceparse.weights.backbone import all_published
    from faceparse.weights.summary import record, size_text, state

    if as_json:
        say(*json.dumps(list(map(record, all_published())), indent=1, ensure_ascii=False).split("\n"))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "network", "data", "size", "mean F1", "licence", "on disk", box=None)
    for card in all_published():
        path, figure = published_path(card), card.headline
        size = size_text(card.source.size or (path.stat().st_size if path.is_file() else 0), card.parameters)
        f1 = f"{figure.value:g} {figure.origin}" if figure else ""
        licence = card.licence.weights + ("; consent needed" if card.licence.consent else "")
        table.add_row(card.id, card.network, card.data, size, f1, licence, state(card)[0])
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 240)  # lines for a program or file are not wrapped
    console.print(table)


@app.command()
def show(model: One, as_json: Json = False) -> None:
    """Show one card: what it is, its terms, figures, limits, and where its file lies.

    Example: `faceparse weights show bisenet-resnet18-yakhyo`
    """
    import json

    from faceparse.weights import Card
    from faceparse.weights.backbone import find_published
    from faceparse.weights.summary import record, state
    from faceparse.weights.terms import is_accepted

    card = find_published(model)
    if as_json:
        say(*json.dumps(record(card), indent=1, ensure_ascii=False).split("\n"))
        return
    where, path = state(card)
    say(f"{card.id}: {card.title}")
    consent = "" if not card.licence.consent else "accepted" if is_accepted(card) else "not accepted yet"
    unknown = "not published; recorded when the file first comes, and held to after"
    lines = {
        "network": f"{card.network}, scheme {card.scheme}, input {card.input.size[0]} × {card.input.size[1]}"
        if isinstance(card, Card)
        else "a backbone: other models contain it",
        "parameters": f"{card.parameters:,}" if card.parameters else "",
        "backbone": card.backbone,
        "trained on": card.training,
        "limits": card.limits,
        "licence": " ".join(filter(None, (card.licence.weights, card.licence.url))),
        "terms": card.licence.terms,
        "consent": consent,
        "file": f"{card.source.file} from {card.source.origin}",
        "sha256": card.source.sha256 or ("" if where == "in the package" else unknown),
        "on disk": f"{where}: {path}" if path else where,
    }
    for name, text in lines.items():
        if text:
            say(f"  {name}: {text}")
    for figure in card.figures:
        if figure.metric == "mean F1":
            say(f"  mean F1: {figure.value:g} ({figure.origin}; {figure.data})")


@app.command()
def get(
    models: list[str] | None = Argument(None, metavar="ID...", help="Cards' ids."),
    everything: bool = Option(False, "--all", help="Get all weights that can be downloaded."),
    accept_terms: bool = Option(
        False, "--accept-terms", help="I have read and accept the terms of these weights."
    ),
    from_file: Path | None = Option(
        None, "--from", metavar="FILE", help="Take this file instead of a download."
    ),
    offline: bool = Option(False, "--offline", help="Never use the network."),
    renew: bool = Option(
        False, "--renew", help="Accept the file as published now, even if it differs from the recorded one."
    ),
    timeout: float = Option(30.0, min=0.1, help="Seconds to wait for each answer of the server."),
) -> None:
    """Get weights: download, check, and make a model file from them, ready for `--model ID`.

    Run the command again to continue a broken download where it stopped.

    Example: `faceparse weights get bisenet-resnet18-yakhyo`
    """
    from functools import partial

    from faceparse.cli.console import progress_bar
    from faceparse.errors import ConfigError, FaceparseError
    from faceparse.weights import add_file, cards, fetch
    from faceparse.weights.backbone import find_published
    from faceparse.weights.modelfile import packaged

    if bool(models) == everything:
        raise ConfigError("name the weights to get, or give --all")
    if from_file is not None and (everything or len(models or ()) != 1):
        raise ConfigError("--from FILE needs the id of exactly one card")
    fetchable = [c for c in cards().values() if c.source.address]
    chosen = fetchable if everything else [find_published(m) for m in dict.fromkeys(models or ())]
    if from_file is not None and chosen[0].id in packaged():
        raise ConfigError(f"{chosen[0].id} is part of the package: leave --from out")
    failed = 0
    for card in chosen:
        say(f"{card.id}: {card.licence.weights}. {card.licence.terms}", err=True)
        if card.limits:
            say(f"{card.id}: limits: {card.limits}", err=True)
        try:
            if from_file is not None:
                add_file(card, from_file, accept_terms=accept_terms)
            else:
                with progress_bar(of_bytes=True) as progress:
                    fetch(
                        card,
                        accept_terms=accept_terms,
                        offline=offline or None,
                        renew=renew,
                        timeout=timeout,
                        progress=partial(progress, card.source.name),
                    )
            say(f"{card.id}: {_ready(card)}")
        except FaceparseError as error:
            if len(chosen) == 1:
                raise
            failed += 1
            say(f"failed: {card.id}: {error}", err=True)
    if failed:
        say(f"{len(chosen) - failed} got, {failed} failed", err=True)
        raise typer.Exit(1)


@app.command()
def verify(
    models: list[str] | None = Argument(None, metavar="[ID...]", help="Cards' ids. [default: all on disk]"),
) -> None:
    """Hash the files on disk again and compare them with their cards and records; exit code 1 if one differs.

    Example: `faceparse weights verify`
    """
    from faceparse.weights import verify as check
    from faceparse.weights.backbone import all_published, find_published
    from faceparse.weights.modelfile import packaged

    bad = 0
    for card in map(find_published, models) if models else all_published():
        if card.id in packaged():
            say(f"in the package: {card.id}")
        for file in check(card):
            if file.status == "missing" and not models:
                continue
            bad += file.status != "ok"
            differs = file.status in ("CHANGED", "unknown")
            note = f": SHA-256 {file.actual}, not {file.expected or 'recorded'}" if differs else ""
            say(f"{file.status}: {card.id}: {file.path}{note}")
    if bad:
        say("faceparse weights get ID gets a file again", err=True)
        raise typer.Exit(1)


@app.command()
def where(
    model: str | None = Argument(None, metavar="[ID]", help="A card's id. [default: the cache folder]"),
) -> None:
    """Print only the path of a card's model file, or without an id the path of the cache.

    Example: `faceparse export --model "$(faceparse weights where bisenet-resnet18-yakhyo)" -o model.onnx`
    """
    from faceparse.errors import WeightsError
    from faceparse.weights import Backbone, cache_folder, published_path
    from faceparse.weights.backbone import find_published
    from faceparse.weights.modelfile import find_model

    if model is None:
        say(str(cache_folder()))
        return
    card = find_published(model)
    path = published_path(card) if isinstance(card, Backbone) else find_model(card.id).path
    if not path.is_file():
        raise WeightsError(f"{path.name} is not on this machine: get it with faceparse weights get {card.id}")
    say(str(path))


def _ready(card: Published) -> str:
    """Return the path of a card's model file, made by PyTorch if installed; else the published file's, with a note."""
    from faceparse.errors import MissingExtraError
    from faceparse.weights import Backbone, published_path
    from faceparse.weights.modelfile import cached, packaged

    published = published_path(card)
    if isinstance(card, Backbone) or card.id in packaged() or published.suffix == ".onnx":
        return str(published)
    try:
        from faceparse.models import make_model_file

        return str(make_model_file(card))
    except MissingExtraError:
        if (model := cached(card.id)) is not None:
            return str(model)
        say(
            f"note: {card.id} needs PyTorch to become a model file: pip install 'faceparse[torch]', then "
            f"faceparse weights get {card.id} again",
            err=True,
        )
        return str(published)
