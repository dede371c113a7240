"""`faceparse evaluate`: mean F1 of a model on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    root: Annotated[Path, typer.Option("--data.root", help="The data set's folder.")],
    data_scheme: Annotated[
        str | None,
        typer.Option(
            "--data.scheme", help="Scheme of its label maps, or a YAML file; where it does not say."
        ),
    ] = None,
    kind: Annotated[
        str, typer.Option("--data.kind", help="folder, celebamask-hq, lapa, helen, facesynthetics.")
    ] = "folder",
    model: Annotated[str, typer.Option(help="Model id or file.")] = "default",
    crop: Annotated[
        bool, typer.Option("--data.crop", help="Cut pictures out about the face by their landmarks (Helen).")
    ] = False,
    scheme: Annotated[
        str | None, typer.Option(help="Compare in this scheme; the model's own where not said.")
    ] = None,
    split: Annotated[str, typer.Option(help="A split that it has, all, or a share such as 80-100%.")] = "val",
    pictures: Annotated[
        int | None, typer.Option(min=1, help="Pictures of the split at most, spread evenly over it.")
    ] = None,
    faces: Annotated[str, typer.Option(help="whole, auto, each or largest.")] = "whole",
    landmarks: Annotated[
        str,
        typer.Option(
            help="Whose landmarks faces are parsed by: detector, or data for the data set's (LaPa)."
        ),
    ] = "detector",
    overall: Annotated[
        bool | None,
        typer.Option(
            "--overall/--no-overall", help="Brows, eyes, nose and mouth as one class; on Helen anyway."
        ),
    ] = None,
    sides: Annotated[
        str, typer.Option(help="Where schemes mean different lefts: name, or subject for the same eye.")
    ] = "name",
    engine: Annotated[str, typer.Option(help="auto, onnx or torch.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, …")] = "cpu",
    card: Annotated[str | None, typer.Option(help="Card id or TOML file of a foreign model.")] = None,
    protocol: Annotated[
        str, typer.Option(help="Compare at the label map's size (label) or the network's input size (input).")
    ] = "label",
    against: Annotated[
        str | None, typer.Option(help="A second model, compared on the same pictures.")
    ] = None,
    degrade: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME",
            help="Also score degraded pictures, a column each: blurN, downN, noiseN, dark, as blur4,down64.",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of the degradations' noise.")] = 0,
    draws: Annotated[int, typer.Option(min=0, help="Bootstrap draws for 95 % intervals; 0 for none.")] = 1000,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Also compare each picture with its mirror image, per side.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the table here, in numbers.")] = None,
    confusion: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the confusion matrix here.")
    ] = None,
    worst: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the worst pictures of each class here.")
    ] = None,
) -> None:
    """Score a model on a folder of labelled pictures.

    Dataset-level F1 per class; the mean leaves background out.

    Example: `faceparse evaluate --model default --data.root faces --data.scheme celebamask19 --split test`
    """
    import csv
    import io
    import json
    from functools import partial

    from rich.console import Console
    from rich.markup import escape

    from faceparse.cli.console import printed, progress_bar
    from faceparse.data import Dataset, open_dataset
    from faceparse.data.cropped import Cropped
    from faceparse.data.subset import Subset
    from faceparse.draw.matrix import matrix_picture
    from faceparse.evaluate import score
    from faceparse.evaluate.outputs import check_outputs, write_picture, write_text
    from faceparse.evaluate.scoring import predictor
    from faceparse.evaluate.sheet import worst_sheet
    from faceparse.evaluate.table import numbers_table, scores_table
    from faceparse.parser import Parser
    from faceparse.version import __version__

    check_outputs({"--json": json_file, "--csv": csv_file, "--confusion": confusion, "--worst": worst})
    dataset: Dataset = open_dataset(kind, root, split, data_scheme)
    if crop:
        dataset = Cropped(dataset)
    if pictures is not None:
        dataset = Subset(dataset, pictures)
    open_parser = partial(Parser, engine=engine, device=device, faces=faces)
    parser = open_parser(model, card=card, scheme=scheme)
    other = None
    if against is not None:
        other = open_parser(against, card=card if against == model else None, scheme=parser.scheme)
    with progress_bar() as progress:
        result = score(
            parser,
            dataset,
            against=other,
            degrade=degrade.split(",") if degrade else (),
            mirror=mirror,
            landmarks=landmarks,
            sides=sides,
            protocol=protocol,
            draws=draws,
            seed=seed,
            progress=progress,
        )
    report = result.report
    title = f"{report.model} on {root.name} {split}, {report.pictures} pictures, protocol {protocol}"
    if overall is None:
        overall = dataset.scheme.name == "helen11"
    header, rows = scores_table(result, overall)
    # Names are text: without this a class or file called [red]spot is taken for rich's markup.
    plain = [[escape(cell) for cell in row] for row in [header, *rows]]
    Console().print(printed(escape(title), plain[0], plain[1:]))
    for note in result.notes:
        typer.echo(f"note: {note}", err=True)
    if json_file is not None:
        about = {
            "version": __version__,
            "model_given": model,
            "data_root": str(root),
            "data_kind": kind,
            "data_scheme": dataset.scheme.name,
            "split": split,
            "faces": faces,
            "landmarks": landmarks,
            "crop": crop,
            "sides": sides,
            "draws": draws,
            "seed": seed,
            **result.as_dict(),
        }
        if against is not None:
            about["against"]["model_given"] = against
        write_text(json_file, json.dumps(about, indent=2, allow_nan=False) + "\n")
    if csv_file is not None:
        columns, numbers = numbers_table(result, overall)
        lines = io.StringIO(newline="")
        csv.writer(lines).writerows([columns, *numbers])
        write_text(csv_file, lines.getvalue())
    if confusion is not None:
        write_picture(confusion, matrix_picture(report.matrix, report.scheme.classes))
    if worst is not None:
        write_picture(worst, worst_sheet(report, dataset, predictor(parser, landmarks), sides=sides))
