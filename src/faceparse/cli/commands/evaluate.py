"""`faceparse evaluate`: mean F1 of a model on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    split: Annotated[str, typer.Option(help="A split that it has, all, or a part such as 80-100%.")] = "val",
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
    import json

    from PIL import Image
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    from faceparse import __version__
    from faceparse.cli.console import printed, progress_console
    from faceparse.data import Dataset, Sample, open_dataset
    from faceparse.data.cropped import Cropped
    from faceparse.data.landmarks import five_points
    from faceparse.draw.matrix import matrix_picture
    from faceparse.errors import ConfigError, DataError, ImageError, NoFaceError
    from faceparse.evaluate import Predict, Report, differences, evaluate, intervals, mirror_agreement
    from faceparse.evaluate.outputs import check_outputs
    from faceparse.evaluate.protocols import at_input, check_protocol
    from faceparse.evaluate.report import number
    from faceparse.evaluate.sheet import worst_sheet
    from faceparse.evaluate.table import numbers_table, scores_table
    from faceparse.files import atomic
    from faceparse.folder.sides import Sides
    from faceparse.labels import Scheme
    from faceparse.parser import Parser
    from faceparse.weights.merging import scheme_of_results

    check_protocol(protocol)
    if protocol == "input" and faces != "whole":
        raise ConfigError(
            f"--protocol input shows the network whole pictures: give --faces whole, not {faces}"
        )
    if landmarks not in ("detector", "data"):
        raise ConfigError(f"--landmarks is detector or data; got {landmarks}")
    check_outputs({"--json": json_file, "--csv": csv_file, "--confusion": confusion, "--worst": worst})
    whole: Dataset = open_dataset(kind, root, split, data_scheme)
    dataset = Cropped(whole) if crop else whole

    def opened(name: str, into: str | Scheme | None) -> Parser:
        foreign = card if name == model else None
        return Parser(name, engine=engine, device=device, faces=faces, card=foreign, scheme=into)

    def scored(parser: Parser, progress: Progress) -> Report:
        def ready(sample: Sample) -> Sample:
            resized = parser.card.input.resize(sample.image)
            return sample if protocol == "label" else at_input(sample, resized)

        what = f"evaluating {escape(parser.card.name)}"
        samples = (ready(s) for s in progress.track(dataset, total=len(dataset), description=what))
        seen = Sides(scheme_of_results(parser.card))
        report = evaluate(predictor(parser, seen), samples, dataset.scheme, parser.scheme, sides, protocol)
        if seen.note():
            notes.append(f"{parser.card.name}: {seen.note()}")
        return report

    def predictor(parser: Parser, seen: Sides | None = None) -> Predict:
        def predict(sample: Sample) -> NDArray[np.uint8]:
            points = None
            if landmarks == "data":
                if sample.landmarks is None:
                    raise DataError(f"{sample.name} has no landmarks: give --landmarks detector")
                points = five_points(sample.landmarks)
            try:
                parsing = parser.parse(sample.image, landmarks=points)
            except (ImageError, NoFaceError) as error:  # which know no more than an array
                raise type(error)(f"{sample.name}: {error}") from None
            if seen is not None:
                seen.add(parsing.views)
            return parsing.labels

        return predict

    notes: list[str] = []
    parser = opened(model, scheme)
    rival = None if against is None else opened(against, parser.scheme)
    if rival is not None and protocol == "input" and rival.card.input.size != parser.card.input.size:
        raise ConfigError("--protocol input compares models of one input size only: give --protocol label")
    with Progress(console=progress_console(), transient=True) as progress:
        report = scored(parser, progress)
        other = None if rival is None else scored(rival, progress)
        agreement = None
        if mirror:
            pictures = progress.track(dataset, total=len(dataset), description="mirrored")
            agreement = mirror_agreement(predictor(parser), pictures, parser.scheme)
    spans = intervals(report, draws) if draws else {}
    apart = differences(report, other, draws) if other is not None else {}
    title = f"{parser.card.name} on {root.name} {split}, {report.pictures} pictures, protocol {protocol}"
    rival_name = "" if rival is None else rival.card.name
    if overall is None:
        overall = dataset.scheme.name == "helen11"
    header, rows = scores_table(report, spans, agreement, other, apart, rival_name, overall)
    # Names are text: without this a class or file called [red]spot is taken for rich's markup.
    plain = [[escape(cell) for cell in row] for row in [header, *rows]]
    Console().print(printed(escape(title), plain[0], plain[1:]))
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    about = {
        "version": __version__,
        "model": parser.card.name,
        "model_given": model,
        "data_root": str(root),
        "data_kind": kind,
        "data_scheme": dataset.scheme.name,
        "split": split,
        "faces": faces,
        "landmarks": landmarks,
        "crop": crop,
        "sides": sides,
        **report.as_dict(),
        "draws": draws,
        "interval": {k: [number(v.low), number(v.high)] for k, v in spans.items()},
    }
    if agreement is not None:
        about["mirror_agreement"] = agreement
    if other is not None:
        about["against"] = {
            "model": rival_name,
            "model_given": against,
            **other.as_dict(),
            "difference": {k: [number(x) for x in (v.value, v.low, v.high)] for k, v in apart.items()},
        }
    if json_file is not None:
        text = json.dumps(about, indent=2, allow_nan=False) + "\n"
        with atomic(json_file, overwrite=True, make_folder=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if csv_file is not None:
        columns, numbers = numbers_table(report, spans, agreement, other, apart, overall)
        with (
            atomic(csv_file, overwrite=True, make_folder=True) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as out,
        ):
            csv.writer(out).writerows([columns, *numbers])
    if confusion is not None:
        with atomic(confusion, overwrite=True, make_folder=True) as temporary:
            Image.fromarray(matrix_picture(report.matrix, report.scheme.classes)).save(temporary, "PNG")
    if worst is not None:
        sheet = worst_sheet(report, dataset, predictor(parser), sides=sides)
        with atomic(worst, overwrite=True, make_folder=True) as temporary:
            Image.fromarray(sheet).save(temporary, "PNG")
