"""Consoles of the command line: results to stdout, progress to stderr and only to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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


@contextmanager
def downloading(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar for a download; gives what to call with the bytes here and those of the whole file."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=progress_console(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
