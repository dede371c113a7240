"""`faceparse data`: prepare downloads, check data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="data",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Prepare downloaded data sets, and check any data set.",
)


@app.command()
def prepare(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="celebamask-hq, or parts.")],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The download; only read.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to be made.")],
    order: Annotated[
        str,
        typer.Option(
            help="Painting order, and scheme of the result: celebamask19, maskgan19, segface-celeb19, or any "
            "scheme whose classes are parts."
        ),
    ] = "celebamask19",
    size: Annotated[
        str, typer.Option(help="masks, images, or a number of pixels: the size of both.")
    ] = "masks",
    images: Annotated[Path | None, typer.Option(help="Folder of pictures; for parts.")] = None,
    no_split: Annotated[
        bool, typer.Option("--no-split", help="Write no train.txt, val.txt and test.txt.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo what an earlier run wrote.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Pictures at a time.")] = None,
) -> None:
    """Paint one mask file per part into label maps, and lay out a folder to train on.

    DST gets `images/`, `labels/` (pixel value = label), the official `train.txt`, `val.txt` and `test.txt`, and
    `dataset.json`: painting order, size, and what was odd in the download. A run that was stopped goes on when
    it is started again.

    `celebamask-hq` is CelebAMask-HQ as it is downloaded, with CelebA's `list_eval_partition.txt` beside it;
    `parts` is a flat folder of masks `STEM_l_brow.png`, as `faceparse parse --save parts` writes them.

    Example: `faceparse data prepare celebamask-hq CelebAMask-HQ celeb --order maskgan19`
    """
    import os

    from rich.progress import Progress

    from faceparse.cli.console import progress_console
    from faceparse.data import celebamaskhq, parts
    from faceparse.data.prepare import Preparation
    from faceparse.errors import ConfigError
    from faceparse.labels import scheme as find_scheme

    scheme = find_scheme(order)
    splits = None
    if kind == "celebamask-hq":
        found, stray = celebamaskhq.sources(source)
        splits = None if no_split else celebamaskhq.official_split(source)
    elif kind == "parts":
        if images is None:
            raise ConfigError("parts needs --images, the folder that the pictures lie in")
        found, stray = parts.sources(source, images, scheme)
    else:
        raise ConfigError(f"there is no preparation of {kind!r}; there are celebamask-hq and parts")
    work = Preparation(found, stray, target, scheme, size=size, source=kind, overwrite=overwrite)
    counts = {"written": 0, "skipped": 0, "left out": 0}
    with Progress(console=progress_console(), transient=True) as progress:
        task = progress.add_task("painting", total=len(work))
        for done in work.run(jobs or os.cpu_count() or 1):
            counts[done.status] += 1
            progress.advance(task)
    record = work.finish(splits)
    hint = " (--overwrite redoes them)" if counts["skipped"] else ""
    typer.echo(", ".join(f"{n} {status}" for status, n in counts.items() if n) + f"{hint} in {target}")
    if record["splits"]:
        typer.echo(", ".join(f"{split} {n}" for split, n in record["splits"].items()))
    _echo_odd(record["odd"])
    typer.echo(f"scheme {scheme.name}, painted in its order; what was odd is in {target / 'dataset.json'}")


def _echo_odd(odd: dict[str, dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not odd:
        return
    table = Table("odd", "count", "first")
    for kind, entry in odd.items():
        first = entry["first"]
        table.add_row(kind, str(entry["count"]), str(first[0]) if isinstance(first, list) else "")
    Console().print(table)
