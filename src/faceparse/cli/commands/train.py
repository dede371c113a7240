"""`faceparse train`: train a network from a recipe."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import typer

from faceparse.cli.say import say
from faceparse.cli.words import refuse_published

if TYPE_CHECKING:
    from pathlib import Path

    from faceparse.train.settings import Settings

# The recipe parser handles all options and prints the help.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

_INTERRUPTED, _TERMINATED = 130, 143


def command(context: typer.Context) -> None:
    """Train a network: `faceparse train --recipe default --data.root DIR`; `--help` lists every option."""
    try:
        from faceparse.train.settings import configuration, help_page, read_settings, run_options
    except ImportError as error:
        from faceparse.errors import MissingExtraError

        raise MissingExtraError(error.name or "torch", "train", "faceparse train") from None
    if not context.args or {"-h", "--help"} & set(context.args):
        say(*help_page().split("\n"))
        return
    refuse_published(context.args, "train", run_options().by_name)
    if printing := {"--print_config", "--print-config"} & set(context.args):
        say(*configuration([word for word in context.args if word not in printing]).split("\n"))
        return
    # Hides Lightning's tips, its own deprecations and notes on intended settings: real faults are our errors.
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        best = _fit(read_settings(context.args))
    _say(f"best checkpoint: {best}\nnext: faceparse export --model {best} -o model.onnx")


def _fit(settings: Settings) -> Path:
    """Run `fit`; if Ctrl-C or SIGTERM stops it, say so and exit with the code that shells expect."""
    from pytorch_lightning.utilities.exceptions import SIGTERMException

    from faceparse.train.fit import fit

    try:
        return fit(settings)
    except SystemExit as left:  # Lightning's exception for both signals
        last = settings.output / "last.ckpt"
        hint = f"; continue with --resume {last}" if last.is_file() else " before the first step"
        _say(f"faceparse: stopped{hint}", err=True)
        raise typer.Exit(_TERMINATED if isinstance(left, SIGTERMException) else _INTERRUPTED) from None


def _say(text: str, err: bool = False) -> None:
    """Print only in the first process of a distributed run, because every process would print the same."""
    from pytorch_lightning.utilities import rank_zero_only

    rank_zero_only(say)(text, err=err)
