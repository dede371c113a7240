"""`faceparse scale`: parse pictures by the million into a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from typer import Argument, Option

from faceparse.cli import options
from faceparse.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faceparse.scale import Run


def command(
    source: str = Argument(
        metavar="SOURCE",
        help="A folder, a list (.txt, one path a line), a Parquet file or a tar; a path, or s3://bucket/folder.",
    ),
    output: str = Option(
        ..., "-o", "--output", metavar="FOLDER", help="Folder of the table; a path or s3://…"
    ),
    to: str = Option("parquet", "--to", metavar="FORM", help="Form of the table: parquet or tars."),
    keep_images: bool = Option(False, "--keep-images", help="Put the pictures' bytes into the table."),
    recursive: bool = options.RECURSIVE,
    actors: int | None = Option(
        None, min=1, help="Number of processes. [default: as the CPUs or GPUs allow]"
    ),
    gpus: float = Option(0, min=0, help="GPUs of each process: 0.25 puts four on one GPU; 0: the CPU."),
    threads: int = Option(
        1, min=1, max=1024, help="CPUs of each process, which parses as many pictures at a time."
    ),
    batch_size: int = Option(16, min=1, help="Pictures that a process takes at a time."),
    address: str | None = Option(
        None, help="Address of a Ray cluster, or auto. [default: this machine alone]"
    ),
    rows: int = Option(1000, min=1, help="Rows of one file of the table."),
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    faces: str = options.FACES,
    no_face: str | None = options.no_face(),
    scheme: str = options.SCHEME,
    threshold: float | None = options.THRESHOLD,
    card: str | None = options.CARD,
    input_size: str | None = options.INPUT_SIZE,
    batch: int | None = options.BATCH,
    max_pixels: int | None = options.MAX_PIXELS,
    overwrite: bool = options.OVERWRITE,
    grace: float = Option(
        10, min=0, max=86400, help="Seconds to write the rows that are ready after Ctrl-C."
    ),
    quiet: bool = options.QUIET,
) -> None:
    """Parse pictures by the million into a table: one row a picture, with masks as run lengths, faces and figures.

    Examples: `faceparse scale photos -o table --recursive`, `faceparse scale s3://bucket/tars -o s3://bucket/table
    --address auto --gpus 0.25`

    A rerun leaves out pictures that the table has.
    """
    import os
    from contextlib import redirect_stdout

    from faceparse.cli.console import progress_bar
    from faceparse.cli.interrupt import INTERRUPTED, stop_on_signals
    from faceparse.cli.process import tune_process
    from faceparse.scale import Parse, Run, Workers

    parse = Parse(
        model,
        jobs=threads if not gpus else None,
        keep_images=keep_images,
        engine=engine,
        device="cpu" if device == "auto" and not gpus else device,
        faces=faces,
        no_face=no_face,
        scheme=scheme,
        threshold=threshold,
        card=card,
        input_size=input_size,
        batch=batch,
        max_pixels=max_pixels,
    )
    run = Run(
        source,
        output,
        parse,
        form=to,
        workers=Workers(actors, gpus, threads, batch_size, address),
        recursive=recursive,
        overwrite=overwrite,
        rows=rows,
        prepare=tune_process,
    )
    # Ray prints a paragraph there for each worker that dies or is stopped.
    with (
        open(os.devnull, "w") as nowhere,  # noqa: PTH123
        redirect_stdout(nowhere),
        stop_on_signals(grace) as run.stop,
        progress_bar(quiet=quiet) as progress,
    ):
        progress("starting Ray", 0, run.total)
        for done in run:
            progress("parsing", done, run.total)
    counts = run.summary.counts
    for line in () if quiet and not counts["failed"] else _summary(run, output):
        say(line)
    if run.stopped:
        raise typer.Exit(INTERRUPTED)
    if counts["failed"]:
        raise typer.Exit(1)


def _summary(run: Run, output: str) -> Iterator[str]:
    """Yield lines for a person: reasons of failures, counts, and speed."""
    counts = run.summary.counts
    for reason, count in run.summary.reasons("failed"):
        yield f"{count} failed: {reason}"
    done = counts["written"] + counts["failed"]
    rows = ", ".join(
        f"{counts[status]} {status}" for status in ("written", "skipped", "failed") if counts[status]
    )
    speed = f", {done / run.seconds:.2f} pictures a second" if run.seconds else ""
    ready = f" after {run.start_seconds:.1f} s for Ray's start" if done else ""
    yield f"{rows or 'no picture'} in {output}, {run.seconds:.1f} s{speed}{ready}"
