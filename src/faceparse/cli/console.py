"""Consoles of the command line: results to stdout, progress to stderr and only to a person."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def progress_console() -> Console:
    """A console on stderr for progress bars; silent where stderr is not a terminal."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal
    return console


def printed(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Rows of text as a table for the terminal; a line above the row that begins with `mean`."""
    table = Table(*header, title=title)
    for row in rows:
        if row[0].startswith("mean F1"):
            table.add_section()
        table.add_row(*row)
    return table
