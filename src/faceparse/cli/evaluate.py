"""`faceparse evaluate`: mean F1 of a model on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    root: Annotated[Path, typer.Option("--data.root", help="Folder with images/ and labels/ (or masks/).")],
    data_scheme: Annotated[str, typer.Option("--data.scheme", help="Scheme of its label maps.")],
    model: Annotated[str, typer.Option(help="Model id or file.")] = "default",
    split: Annotated[str, typer.Option(help="Split file ROOT/SPLIT.txt, or all.")] = "val",
    faces: Annotated[str, typer.Option(help="whole, auto, each or largest.")] = "whole",
    sides: Annotated[
        str, typer.Option(help="Where schemes mean different lefts: name, or subject for the same eye.")
    ] = "name",
    engine: Annotated[str, typer.Option(help="auto, onnx or torch.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    card: Annotated[str | None, typer.Option(help="Card id or TOML file of a foreign model.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Score a model on a folder of labelled pictures.

    Dataset-level F1 per class at label resolution; the mean leaves background out.

    Example: `faceparse evaluate --model default --data.root faces --data.scheme celebamask19 --split test`
    """
    import json
    import math

    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from faceparse.cli.console import progress_console
    from faceparse.data import FolderDataset
    from faceparse.evaluate import evaluate
    from faceparse.runtime import Parser

    dataset = FolderDataset(root, split, data_scheme)
    parser = Parser(model, engine=engine, device=device, faces=faces, card=card, scheme=None)
    with Progress(console=progress_console(), transient=True) as progress:
        samples = progress.track(dataset, total=len(dataset), description="evaluating")
        report = evaluate(
            lambda image: parser.parse(image).labels, samples, dataset.scheme, parser.scheme, sides
        )
    table = Table("class", "F1", title=f"{parser.card.id} on {root.name} {split}, {report.pictures} pictures")
    for name, value in report.f1.items():
        table.add_row(name, "–" if math.isnan(value) else f"{value:.1f}")
    table.add_section()
    table.add_row("mean F1", f"{report.mean_f1:.1f}")
    table.add_row("mean IoU", f"{report.mean_iou:.1f}")
    table.add_row("pixel accuracy", f"{report.pixel_accuracy:.1f}")
    Console().print(table)
    if json_file is not None:
        about = {"model": parser.card.id, "split": split, "faces": faces, "sides": sides, **report.as_dict()}
        json_file.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
