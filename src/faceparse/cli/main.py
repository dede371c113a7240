"""`faceparse`, the command line. Each command is one file in `commands`, imported when the command runs."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from importlib import import_module
from io import TextIOWrapper
from pkgutil import iter_modules
from typing import Any

import typer
from typer import Option
from typer.core import TyperGroup

from faceparse import errors
from faceparse.cli.say import EXACT, say
from faceparse.cli.words import normalise_options
from faceparse.errors import ConfigError, DataError, EngineError, FaceparseError, LabelError, WeightsError
from faceparse.registry import mend

UsageError: Any = typer.BadParameter.__base__  # typer's own class, or click's in older versions
BAD_ARGUMENTS = (LabelError, WeightsError, EngineError, ConfigError, DataError)
"""Errors in the command's arguments rather than in a picture: exit code 2."""

COMMANDS = "faceparse.cli.commands"
"""The package whose modules are the commands."""


def new_app(**options: Any) -> typer.Typer:
    """Return a typer app with the settings that all commands share."""
    return typer.Typer(
        add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False, **options
    )


class Group(TyperGroup):
    """A group of commands that names a wrong command before its options are read."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        names = self.list_commands(ctx)
        if cmd_name not in names and not cmd_name.startswith("-"):
            raise ConfigError(f"no command {cmd_name!r}{mend(cmd_name, names)}")
        return super().get_command(ctx, cmd_name)


class Commands(Group):
    """The group of commands, which are the modules of `faceparse.cli.commands`; a new command is one new file.

    A module defines `command`, or, for a command with subcommands, `app`, a `typer.Typer`.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        package = import_module(COMMANDS)
        return sorted(m.name.rstrip("_").replace("_", "-") for m in iter_modules(package.__path__))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return super().get_command(ctx, cmd_name)
        name = cmd_name.replace("-", "_")
        module = import_module(f"{COMMANDS}.{name}_" if name == "import" else f"{COMMANDS}.{name}")
        single = new_app()
        if hasattr(module, "app"):
            single.add_typer(module.app, name=cmd_name, cls=Group)
            return typer.main.get_group(single).commands[cmd_name]
        single.command(cmd_name, context_settings=getattr(module, "CONTEXT", None))(module.command)
        return typer.main.get_command(single)


app = new_app(cls=Commands, no_args_is_help=True)


def _version(show: bool) -> None:
    if show:
        from faceparse.version import __version__

        say(f"faceparse {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
    debug: bool = Option(False, "--debug", help="Print the traceback of a fault, wherever this word stands."),
) -> None:
    """Label every pixel of a face: skin, brows, eyes, nose, lips, hair and more."""


def _usage(error: Any) -> str:
    """Return typer's message about wrong arguments in one line."""
    message = " ".join(error.format_message().split()).rstrip(".")
    message = f"{message[:1].lower()}{message[1:]}"
    return f"{message}; see {error.ctx.command_path} --help" if error.ctx else message


def main(arguments: list[str] | None = None) -> None:
    """Run a command; turn every error into one line and an exit code.

    The code is 1 for a `FaceparseError` or a system error, 2 for bad arguments, and 70 for any other
    exception. With `--debug` among the arguments, the traceback is printed.
    """
    # Keeps files that are opened later from taking the place of a closed standard stream.
    while (spare := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(spare)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    for stream in (sys.stdout, sys.stderr):  # print names that the terminal's encoding lacks
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors=EXACT)
    words = sys.argv[1:] if arguments is None else arguments
    arguments = [word for word in words if word != "--debug"]
    try:
        sys.exit(_run(arguments, debug="--debug" in words))
    except UsageError as error:
        if error.format_message():  # empty if there were no arguments and the help is printed
            say(f"faceparse: {_usage(error)}", err=True)
        sys.exit(2)
    except FaceparseError as error:
        say(f"faceparse: {error}", err=True)
        sys.exit(2 if isinstance(error, BAD_ARGUMENTS) else 1)
    except OSError as error:  # unforeseen; without a file name, a stream or a removed folder failed
        place = "the working folder" if error.errno == errno.ENOENT else "standard input or output"
        say(f"faceparse: {errors.in_words(error)}" + f" ({place})" * (not error.filename), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        say("faceparse: stopped", err=True)
        sys.exit(130)
    except Exception as error:
        text = errors.in_words(error)
        say(f"faceparse: {text} (unforeseen, please report it; --debug shows where)", err=True)
        sys.exit(70)  # EX_SOFTWARE of sysexits.h


def _run(arguments: list[str], debug: bool) -> Any:
    """Return the exit code of a command (None for 0); if it fails, `debug` prints the traceback."""
    if debug:  # also shows tracebacks of errors that end no command
        logging.basicConfig()
        logging.getLogger("faceparse").setLevel(logging.DEBUG)
    try:
        if "" in arguments or any(word.startswith("-") and word.endswith("=") for word in arguments):
            raise ConfigError("an argument of the command is empty: is a variable not set?")
        arguments = normalise_options(arguments, typer.main.get_command(app))
        return app(arguments, prog_name="faceparse", standalone_mode=False)
    except Exception:
        if debug:
            traceback.print_exc()
        raise
