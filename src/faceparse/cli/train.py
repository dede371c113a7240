"""`faceparse train`: train a network from a recipe."""

from __future__ import annotations

import typer

# The options are those of the recipe parser, which prints the help too.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def command(context: typer.Context) -> None:
    """Train a network: `faceparse train --recipe default --data.root DIR`; `--help` lists every option."""
    try:
        from faceparse.train.fit import fit
        from faceparse.train.settings import parser, read_settings
    except ImportError as error:
        from faceparse.errors import MissingExtraError

        raise MissingExtraError(error.name or "torch", "train", "faceparse train") from None
    if not context.args or {"-h", "--help"} & set(context.args):
        typer.echo(parser().format_help())
        return
    best = fit(read_settings(context.args))
    typer.echo(f"best checkpoint: {best}")
    typer.echo(f"next: faceparse export --model {best} -o model.onnx")
