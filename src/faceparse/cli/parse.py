"""`faceparse parse`: label every pixel of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    inputs: Annotated[list[Path], typer.Argument(metavar="PHOTO|FOLDER...", help="Pictures or folders.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")],
    model: Annotated[str, typer.Option(help="Model id or file (.onnx, .safetensors).")] = "default",
    save: Annotated[
        str,
        typer.Option(
            help="What to write, with commas: mask, overlay, panel, color, soft, cutout, heatmap, npz, json, rle, "
            "polygons, parts, and what other packages bring."
        ),
    ] = "mask,overlay",
    alpha: Annotated[
        float | None, typer.Option(help="Strength of colour in overlay and panel, 0 to 1.")
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Of soft: 8 or 16.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Classes and groups in soft, cutout, rle, polygons, parts: hair,lips.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Any option of an output form, such as quality=95."),
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, onnx or torch.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    scheme: Annotated[str, typer.Option(help="Label scheme of the masks.")] = "celebamask19",
    faces: Annotated[str, typer.Option(help="auto, whole, each or largest.")] = "auto",
    recursive: Annotated[bool, typer.Option("--recursive", help="Look into subfolders.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Redo pictures whose results exist.")
    ] = False,
    card: Annotated[str | None, typer.Option(help="Card id or TOML file of a foreign model.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Pictures at a time.")] = None,
) -> None:
    """Label every pixel of photos: masks (pixel value = label) and overlays to look at.

    Example: `faceparse parse photo.jpg -o out`
    """
    import os
    import time

    from rich.progress import Progress

    from faceparse.cli.console import progress_console
    from faceparse.runtime import Parser
    from faceparse.runtime.folder import find_jobs, run_jobs
    from faceparse.writers import given_options, writers

    options = given_options(option or (), alpha=alpha, bits=bits, classes=classes)
    chosen = writers(save.split(","), options)
    todo = find_jobs(inputs, output, [e for w in chosen.values() for e in w.endings], recursive=recursive)
    workers = min(jobs or os.cpu_count() or 1, len(todo))
    parser = Parser(
        model,
        engine=engine,
        device=device,
        faces=faces,
        scheme=scheme,
        card=card,
        threads=1 if workers > 1 else None,
    )
    for writer in chosen.values():
        writer.check(parser.scheme)
    began = time.perf_counter()
    counts = {"written": 0, "skipped": 0, "failed": 0}
    failures = []
    with Progress(console=progress_console(), transient=True) as progress:
        task = progress.add_task("parsing", total=len(todo))
        for outcome in run_jobs(todo, parser.parse, chosen, overwrite=overwrite, workers=workers):
            counts[outcome.status] += 1
            progress.advance(task)
            if outcome.status == "failed":
                failures.append(outcome)
                typer.echo(f"failed: {outcome.reason}", err=True)
            elif len(todo) == 1:
                for writer in chosen.values():
                    for path in outcome.job.targets(writer):
                        typer.echo(str(path))
    seconds = time.perf_counter() - began
    parts = [f"{n} {status}" for status, n in counts.items() if n]
    hint = " (--overwrite redoes them)" if counts["skipped"] else ""
    typer.echo(f"{', '.join(parts)}{hint} in {output}, {seconds:.1f} s")
    if failures:
        raise typer.Exit(1)
