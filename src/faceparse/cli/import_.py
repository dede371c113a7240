"""`faceparse import`: a published or own checkpoint → a safetensors file with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    checkpoint: Annotated[
        Path, typer.Argument(help="A .pt, .pth, .ckpt or .safetensors file; never written to.")
    ],
    network: Annotated[str, typer.Option(help="The network it is of, as bisenet-resnet18.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    card: Annotated[
        str | None,
        typer.Option(
            help="Card id or TOML file; needed where the file is neither ours nor known by its SHA-256."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output file.")] = False,
) -> None:
    """Import a checkpoint: read it safely, check every tensor, write safetensors with its card inside.

    Example: `faceparse import 79999_iter.pth --network bisenet-zllrunning -o 79999.safetensors`
    """
    from faceparse.models import import_checkpoint

    made = import_checkpoint(checkpoint, network, output, card=card, overwrite=overwrite)
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{made.path}: {made.tensors} tensors, {made.parameters:,} parameters, card {made.card.id}")
    typer.echo(f"terms: {made.card.licence.terms}")
