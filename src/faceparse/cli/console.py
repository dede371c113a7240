"""Consoles of the command line: results to stdout, progress to stderr and only to a person."""

from __future__ import annotations

from rich.console import Console


def progress_console() -> Console:
    """A console on stderr for progress bars; silent where stderr is not a terminal."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal
    return console
