"""`faceparse evaluate`: mean F1 of a model on labelled pictures."""

from __future__ import annotations

from pathlib import Path

from typer import Option

from faceparse.cli import options
from faceparse.cli.say import say


def command(
    root: Path = Option(..., "--data.root", help="The data set's folder."),
    data_scheme: str | None = Option(
        None, "--data.scheme", help="Scheme of its label maps, or a YAML file; not needed if it states one."
    ),
    kind: str = Option(
        "folder",
        "--data.kind",
        help="Layout: folder, celebamask-hq, lapa, helen, facesynthetics, webdataset, parquet.",
    ),
    model: str = Option("default", help="Model id or file."),
    crop: bool = Option(False, "--data.crop", help="Crop pictures to their faces by landmarks (Helen)."),
    scheme: str | None = Option(None, help="Scheme to compare in. [default: the model's]"),
    split: str = Option("val", help="One of its splits, all, or a share such as 80-100%."),
    pictures: int | None = Option(
        None, min=1, help="Largest number of pictures, spread evenly over the split."
    ),
    faces: str = Option("whole", help="What to parse: whole (picture), auto, each (face) or largest (face)."),
    no_face: str | None = options.no_face(),
    landmarks: str = Option("detector", help="Source of landmarks: detector, or data (the data set)."),
    overall: bool | None = Option(
        None,
        "--overall/--no-overall",
        help="Add F1 of brows, eyes, nose and mouth as one class. [default: only for Helen]",
    ),
    sides: str = Option(
        "subject", help="How to convert left and right between schemes: subject (the same eye) or name."
    ),
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    card: str | None = options.CARD,
    input_size: str | None = Option(
        None, metavar="N|HxW|native", help="Input size of the network, in place of its card's."
    ),
    protocol: str = Option("label", help="Compare at the label map's size (label) or the network's (input)."),
    against: str | None = Option(None, help="A second model, compared on the same pictures."),
    degrade: str = Option(
        "",
        metavar="NAME,NAME",
        help="Also score degraded pictures, a column each: blurN, downN, noiseN, dark, such as blur4,down64.",
    ),
    seed: int = Option(0, min=0, help="Seed of the degradations' noise."),
    draws: int = Option(1000, min=0, max=10_000, help="Bootstrap draws for 95 % intervals; 0 for none."),
    jobs: int | None = options.JOBS,
    batch: int | None = Option(
        None, min=1, help="Largest number of crops in one run of the network. [default: 1 on the CPU, else 8]"
    ),
    mirror: bool = Option(False, "--mirror", help="Also compare pictures with their mirror images."),
    json_file: Path | None = Option(None, "--json", help="Write the figures here."),
    csv_file: Path | None = Option(None, "--csv", help="Write the table here, unrounded."),
    confusion: Path | None = Option(None, metavar="FILE.png", help="Draw the confusion matrix here."),
    worst: Path | None = Option(None, metavar="FILE.png", help="Draw the worst pictures of each class here."),
) -> None:
    """Score a model on a folder of labelled pictures.

    F1 per class over all pixels of the data set; the mean leaves background out.

    Example: `faceparse evaluate --model default --data.root faces --data.scheme celebamask19 --split test`
    """
    import csv
    import io
    from functools import partial

    from faceparse.cli.console import print_table, progress_bar
    from faceparse.cli.process import tune_process
    from faceparse.data import Dataset, open_dataset
    from faceparse.data.derived import Cropped, Subset
    from faceparse.draw.matrix import matrix_picture
    from faceparse.evaluate import score
    from faceparse.evaluate.outputs import check_outputs, write_picture
    from faceparse.evaluate.scoring import predictor
    from faceparse.evaluate.sheet import worst_sheet
    from faceparse.evaluate.table import numbers_table, scores_table
    from faceparse.files import json_bytes, write_atomic
    from faceparse.parser import Parser
    from faceparse.version import __version__

    files = {"--json": json_file, "--csv": csv_file, "--confusion": confusion, "--worst": worst}
    check_outputs(files, root)
    dataset: Dataset = open_dataset(kind, root, split, data_scheme)
    if crop:
        dataset = Cropped(dataset)
    if pictures is not None:
        dataset = Subset(dataset, pictures)
    threads = None if min(jobs or 2, len(dataset)) == 1 else 1
    open_parser = partial(
        Parser,
        engine=engine,
        device=device,
        faces=faces,
        no_face=no_face,
        threads=threads,
        batch=batch,
        input_size=input_size,
    )
    parser = open_parser(model, card=card, scheme=scheme)
    other = None
    if against is not None:
        other = open_parser(against, card=card if against == model else None, scheme=parser.scheme)
    workers = min(jobs or parser.workers, len(dataset))
    if workers > 1:
        tune_process()
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
            workers=workers,
            progress=progress,
        )
    report = result.report
    title = f"{report.model} on {root.name} {split}, {report.pictures} pictures, protocol {protocol}"
    if overall is None:
        overall = dataset.scheme.name == "helen11"
    header, rows = scores_table(result, overall)
    print_table(title, header, rows)
    for note in result.notes:
        say(f"note: {note}", err=True)
    if json_file is not None:
        about = {
            "version": __version__,
            "model_given": model,
            "data_root": str(root),
            "data_kind": kind,
            "data_scheme": dataset.scheme.name,
            "split": split,
            "faces": faces,
            "no_face": parser.no_face,
            "input_size": input_size,
            "landmarks": landmarks,
            "crop": crop,
            "sides": sides,
            "draws": draws,
            "seed": seed,
            **result.as_dict(),
        }
        if against is not None:
            about["against"]["model_given"] = against
        write_atomic(json_file, json_bytes(about, indent=2) + b"\n")
    if csv_file is not None:
        columns, numbers = numbers_table(result, overall)
        lines = io.StringIO(newline="")
        csv.writer(lines).writerows([columns, *numbers])
        write_atomic(csv_file, lines.getvalue().encode())
    if confusion is not None:
        write_picture(confusion, matrix_picture(report.matrix, report.scheme.classes))
    if worst is not None:
        write_picture(worst, worst_sheet(report, dataset, predictor(parser, landmarks), sides=sides))
