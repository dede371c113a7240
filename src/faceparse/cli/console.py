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
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar; gives what to call with what is under way, how much of it is done, and of how much."""
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=progress_console(), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=escape(what), completed=done, total=total
        )


@contextmanager
def downloading(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar for a download; gives what to call with the bytes here and those of the whole file."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=progress_console(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
