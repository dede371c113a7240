"""Consoles of the command line: results go to stdout, progress goes to stderr if a person watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from faceparse.cli.say import escaped


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text as a table, with a line above the row that begins with `mean`."""
    # Escaping keeps rich from taking a class or file named [red]spot for markup.
    table = Table(*map(escape, map(escaped, header)), title=escape(escaped(title)))
    for row in rows:
        if row[0].startswith("mean F1"):
            table.add_section()
        table.add_row(*map(escape, map(escaped, row)))
    Console().print(table)


@contextmanager
def progress_bar(
    *, quiet: bool = False, of_bytes: bool = False
) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a progress bar on stderr; yield a function to call with (task, amount done, total).

    Nothing is shown if stderr is not a terminal.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if (
        quiet or not console.is_terminal
    ):  # a bar that shows nothing still ends in an empty line before rich 15
        yield lambda what, done, total: None
        return
    download = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    columns = download if of_bytes else Progress.get_default_columns()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=escape(what), completed=done, total=total
        )
