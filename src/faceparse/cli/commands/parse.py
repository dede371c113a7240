"""`faceparse parse`: label every pixel of photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer import Argument, Option

from faceparse.registry import module_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faceparse.folder import Jobs, Run
    from faceparse.results.sides import Sides
    from faceparse.writers import Writer


def command(
    inputs: list[str] | None = Argument(
        None,
        metavar="PHOTO|FOLDER|PATTERN|-...",
        help="Pictures, folders, quoted patterns (`'in/**/*.jpg'`); `-` is one picture from stdin.",
    ),
    output: Path | None = Option(
        None, "-o", "--output", help="Folder for the results; `-` is stdout, for one."
    ),
    model: str = Option("default", help="Model id or file (.onnx, .safetensors)."),
    save: str | None = Option(
        None,
        help=f"What to write, with commas: {', '.join(module_names('writers.forms'))}, and what other packages "
        "bring. [default: mask,overlay; to stdout mask]",
    ),
    alpha: float | None = Option(None, help="Strength of colour in overlay and panel, 0 to 1."),
    bits: int | None = Option(None, help="Of soft and heatmap: 8 or 16."),
    classes: str | None = Option(
        None, help="Classes and groups in soft, cutout, rle, polygons, parts: hair,lips."
    ),
    option: list[str] | None = Option(None, metavar="NAME=VALUE", help="Any option of a form: quality=95."),
    engine: str = Option("auto", help="auto, onnx or torch."),
    device: str = Option("cpu", help="cpu, cuda, …"),
    scheme: str = Option(
        "auto",
        help="Label scheme of the masks; auto: celebamask19, or the model's own where it does not convert.",
    ),
    threshold: float | None = Option(None, help="Of two classes: how likely the second must be, 0 to 1."),
    faces: str = Option("auto", help="auto, whole, each or largest."),
    list_file: Path | None = Option(None, "--list", help="File of pictures, one path a line; `-` is stdin."),
    root: Path | None = Option(None, help="Pictures given one by one keep their paths below this folder."),
    recursive: bool = Option(False, "--recursive", help="Look into subfolders."),
    overwrite: bool = Option(False, "--overwrite", help="Redo pictures whose results exist."),
    card: str | None = Option(None, help="Card id or TOML file of a foreign model."),
    jobs: int | None = Option(None, min=1, help="Pictures at a time."),
    batch: int | None = Option(None, min=1, help="Looks in a network run. [default: 1 on the CPU, else 8]"),
    max_pixels: int | None = Option(
        None,
        min=1,
        help="Most pixels of a picture to decode. [default: 201326592]",
    ),
    fail_fast: bool = Option(False, "--fail-fast", help="Stop after the first failure."),
    log: Path | None = Option(None, help="Add a JSON line for each picture to this file; `-` is stdout."),
    quiet: bool = Option(False, "--quiet", help="Print failures alone."),
) -> None:
    """Label every pixel of photos: masks (pixel value = label) and overlays to look at.

    Examples: `faceparse parse photo.jpg -o out`, `faceparse parse - -o - < photo.jpg > mask.png`

    A rerun does what is missing or has changed: picture, model, options.
    """
    import sys

    from faceparse.cli.process import tune_process
    from faceparse.errors import ConfigError
    from faceparse.folder import Run, encode
    from faceparse.parser import AUTO, USUAL, Parser
    from faceparse.results.sides import Sides
    from faceparse.weights.merging import scheme_of_results
    from faceparse.writers import WRITERS, read_options, writers

    if not inputs and list_file is None:
        raise ConfigError("name pictures, as in faceparse parse photo.jpg -o out, or --list FILE")
    if output is None:
        raise ConfigError("name a folder for the results: -o FOLDER, or -o - for stdout")
    to_stdout = str(output) == "-"
    options = read_options(option or (), alpha=alpha, bits=bits, classes=classes or None)
    forms = writers(
        (save if save is not None else "mask" if to_stdout else "mask,overlay").split(","), options
    )
    endings = [ending for kind in WRITERS.values() for ending in kind.endings]  # of earlier runs too
    todo = _jobs(inputs or [], output, endings, list_file, recursive=recursive, root=root)

    if to_stdout:
        _check_stdout(todo, forms)
    parser = Parser(
        model,
        engine=engine,
        device=device,
        faces=faces,
        scheme=scheme,
        threshold=threshold,
        card=card,
        threads=None if min(jobs or 2, len(todo)) == 1 else 1,
        batch=batch,
        max_pixels=max_pixels,
    )
    for writer in forms.values():
        writer.check(parser.scheme)
    if scheme == AUTO and parser.scheme.name != USUAL and not quiet:
        note = f"note: labels are those of scheme {parser.scheme.name}: they do not convert to {USUAL}"
        typer.echo(note, err=True)
    if to_stdout:
        parsing = parser.parse(todo[0].picture)
        sys.stdout.buffer.write(encode(parsing, *forms.values()))
        sys.stdout.buffer.flush()
        return
    workers = min(jobs or parser.workers, len(todo))
    if workers > 1:
        tune_process()
    sides = Sides(scheme_of_results(parser.card))
    run = Run(
        todo,
        sides.watch(parser.parse),
        forms,
        todo.output,
        identity=parser.identity,
        overwrite=overwrite,
        workers=workers,
        fail_fast=fail_fast,
    )
    _report(run, log, sides, quiet)


def _jobs(
    inputs: list[str],
    output: Path,
    endings: list[str],
    list_file: Path | None,
    *,
    recursive: bool,
    root: Path | None,
) -> Jobs:
    """The pictures; stdin is read where it is asked for."""
    from faceparse.errors import ConfigError
    from faceparse.folder import find_jobs, read_list

    listed = str(list_file) == "-"
    if inputs.count("-") + listed > 1:
        raise ConfigError("stdin can be read once: `-` is one picture, or --list - one list")
    data = _stdin("a picture", "faceparse parse - -o out < photo.jpg") if "-" in inputs else None
    content = b""
    if listed:
        content = _stdin("a list", "find in -name '*.jpg' | faceparse parse --list - -o out")
    elif list_file is not None:
        try:
            content = list_file.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read list {list_file}: {error.strerror}") from None
    files = [path for path in inputs if path != "-"]
    from_list = list(read_list(content))
    return find_jobs(files, output, endings, from_list=from_list, recursive=recursive, root=root, data=data)


def _stdin(what: str, example: str) -> bytes:
    import sys

    from faceparse.errors import ConfigError

    if sys.stdin.isatty():
        raise ConfigError(f"stdin is a terminal: pipe {what} into it, as in {example}")
    return sys.stdin.buffer.read()


def _check_stdout(jobs: Jobs, forms: Mapping[str, Writer]) -> None:
    """Refuse all but one form of one picture, and a terminal."""
    import sys

    from faceparse.errors import ConfigError, ImageError

    if len(jobs) != 1 or len(forms) != 1:
        raise ConfigError(
            f"-o - takes one picture and one form, got {len(jobs)} and {len(forms)}: choose with --save, or give a folder"
        )
    if sys.stdout.isatty():
        raise ConfigError(
            "stdout is a terminal: redirect it, as in faceparse parse photo.jpg -o - > mask.png"
        )
    if jobs[0].problem:
        raise ImageError(jobs[0].problem)


def _report(run: Run, log: Path | None, sides: Sides, quiet: bool) -> None:
    """Go through a run over a folder: progress, failures as they come, a summary."""
    import sys
    from contextlib import ExitStack

    from faceparse.cli.console import progress_bar
    from faceparse.cli.interrupt import INTERRUPTED, stop_on_signals
    from faceparse.folder import Log, open_log

    to_stdout = str(log) == "-"
    with ExitStack() as stack:
        run_log = stack.enter_context(open_log(log)) if log and not to_stdout else None
        run_log = Log(sys.stdout) if to_stdout else run_log
        run.stop = stack.enter_context(stop_on_signals())
        progress = stack.enter_context(progress_bar(quiet=quiet))
        for done, outcome in enumerate(run, 1):
            progress("parsing", done, len(run.jobs))
            if run_log:
                run_log.write(outcome.record())
            if outcome.status == "failed":
                typer.echo(f"failed: {outcome.reason}", err=True)
            elif len(run.jobs) == 1 and not (quiet or to_stdout):
                for path in outcome.outputs:
                    typer.echo(str(path))
        if run_log:
            run_log.write({"summary": run.record()})
    for problem in run.summary_errors:
        typer.echo(f"failed: {problem}", err=True)
    if not quiet:
        for line in _summary(run):
            typer.echo(line, err=to_stdout)
        if sides.note():
            typer.echo(f"note: {sides.note()}", err=True)
    if run.end_reason == "stopped":
        raise typer.Exit(INTERRUPTED)
    if run.summary.counts["failed"] or run.summary_errors:
        raise typer.Exit(1)


def _summary(run: Run) -> list[str]:
    """Lines for a person: counts, why the run ended early, reasons of failures and of unusual skips."""
    counts = run.summary.counts
    parts = [f"{counts[status]} {status}" for status in ("written", "skipped", "failed") if counts[status]]
    left = len(run.jobs) - sum(counts.values())
    if left:
        parts.append(f"{left} not begun")
    hint = " (--overwrite redoes them)" if counts["skipped"] else ""
    lines = []
    if sum(counts.values()) > 1:
        for status in ("failed", "skipped"):
            lines += [f"{n} {status}: {reason}" for reason, n in run.summary.reasons(status)]
    lines += [f"also {path}" for path in run.summary_files]
    ended = f"{run.end_reason}: " if run.end_reason else ""
    return [*lines, f"{ended}{', '.join(parts)}{hint} in {run.output}, {run.seconds:.1f} s"]
