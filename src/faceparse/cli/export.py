"""`faceparse export`: a network to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[
        str, typer.Option(help="A .safetensors file, training checkpoint or published checkpoint.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.onnx", help="File to write.")],
    card: Annotated[
        str | None, typer.Option(help="Card id or TOML file; needed for a published checkpoint.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Write a network as one ONNX file with its card inside, and compare it with the original.

    One output (logits at the network's own resolution), any batch and picture size.

    Example: `faceparse export --model model.safetensors -o model.onnx`
    """
    from faceparse.export import export_onnx, load_source

    network, its_card = load_source(model, card)
    done = export_onnx(network, its_card, output, overwrite=overwrite)
    for kind, values in (("input", done.inputs), ("output", done.outputs)):
        for name, shape in values.items():
            typer.echo(f"{kind}: {name} ({', '.join(map(str, shape))})")
    typer.echo(f"parity: {done.parity}")
    typer.echo(f"wrote {done.path}, {done.size / 1e6:.1f} MB, card {done.card.id}")
    typer.echo(f"terms: {done.card.licence.terms}")
