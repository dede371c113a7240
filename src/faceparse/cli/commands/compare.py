"""`faceparse compare`: several models on the same photos, for people to look at."""

from __future__ import annotations

from pathlib import Path

from typer import Argument, Option

from faceparse.cli import options


def command(
    photos: list[str] = Argument(..., metavar="PHOTO|FOLDER|PATTERN...", help="Pictures, folders, patterns."),
    output: Path = Option(..., "-o", "--output", metavar="SHEET.png|.jpg", help="The picture to write."),
    model: list[str] = Option(["default"], help="Model id or file; repeat it for several models."),
    labels: Path | None = Option(None, metavar="FOLDER", help="Label maps STEM.png of the photos, for F1."),
    labels_scheme: str = Option("celebamask19", "--labels-scheme", help="Scheme of --labels."),
    scheme: str = Option(
        "auto", help="Scheme to compare in; auto: celebamask19, else the first model's own."
    ),
    faces: str = options.FACES,
    device: str = options.DEVICE,
    side: int = Option(256, min=32, max=2048, help="Longer side of each picture in the sheet, in pixels."),
    overwrite: bool = Option(False, "--overwrite", help="Replace a file that exists."),
) -> None:
    """Draw what several models make of the same photos: a row for each model, a column for each photo.

    Captions give the time in milliseconds, and the percentage of pixels whose label differs from the first model's.

    Example: `faceparse compare photos -o sheet.png --model default --model mine.onnx`
    """
    import numpy as np
    from PIL import Image

    from faceparse.cli.console import print_table, progress_bar
    from faceparse.data.reading import LABEL_SUFFIXES, read_labels
    from faceparse.errors import ConfigError, DataError
    from faceparse.evaluate.compare import compare
    from faceparse.files import atomic
    from faceparse.folder import find_jobs
    from faceparse.writers import WRITERS

    kind = {".png": "PNG", ".jpg": "JPEG"}.get(output.suffix.lower())
    if kind is None:
        raise ConfigError(f"the sheet is a picture: name it .png or .jpg, not {output}")
    endings = [ending for form in WRITERS.values() for ending in form.endings]
    jobs = find_jobs(photos, output.parent / output.stem, endings)
    paths = [job.source for job in jobs if job.source.resolve() != output.resolve()]
    maps = None
    if labels is not None:
        files = {f.stem: f for f in sorted(labels.glob("*")) if f.suffix.lower() in LABEL_SUFFIXES}
        maps = [read_labels(files[path.stem]) if path.stem in files else None for path in paths]
        if all(one is None for one in maps):
            raise DataError(f"{labels} has no label map of these photos, such as {paths[0].stem}.png")
    with atomic(output, overwrite=overwrite, make_folder=True) as temporary, progress_bar() as progress:
        result = compare(
            paths, model, labels=maps, labels_scheme=labels_scheme, scheme=scheme, faces=faces, device=device,
            side=side, progress=progress,
        )  # fmt: skip
        Image.fromarray(result.sheet).save(temporary, kind)
    columns = {"ms": 1000 * result.seconds, "% differ": result.differ}
    if maps is not None:
        columns["F1"] = result.f1
    rows = [
        [name, *(f"{np.nanmean(values[row]):.1f}" for values in columns.values())]
        for row, name in enumerate(result.models)
    ]
    print_table(f"{len(paths)} photos, means; scheme {result.scheme.name}", ["model", *columns], rows)
