"""`faceparse parse`: label every pixel of photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer import Option

from faceparse.cli import options, words
from faceparse.cli.say import say
from faceparse.registry import either, module_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from faceparse.folder import Jobs, Run
    from faceparse.weights.card import Card
    from faceparse.writers import Writer

VIDEOS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp",
    ".ogv", ".mxf",
)  # fmt: skip
"""Suffixes that show a video, which another command reads."""


def command(
    inputs: list[str] | None = options.INPUTS,
    output: Path | None = Option(
        None, "-o", "--output", parser=words.path, help="Folder, or a file for one result; `-` is stdout."
    ),
    model: str = options.MODEL,
    save: str | None = Option(
        None,
        help=f"What to write, with commas: {', '.join(module_names('writers.forms'))}, forms of "
        "other packages. [default: mask,overlay; for stdout mask; for a file the form with its ending]",
    ),
    alpha: float | None = options.ALPHA,
    bits: int | None = Option(None, help="Bits per pixel of soft and heatmap: 8 or 16."),
    classes: str | None = options.CLASSES,
    grow: str | None = Option(
        None,
        metavar="LENGTH",
        help="Move edges of soft, cutout, parts outwards: 3 (pixels) or 2% (of a face).",
    ),
    shrink: str | None = Option(None, metavar="LENGTH", help="Move these edges inwards, after --grow."),
    feather: str | None = Option(None, metavar="LENGTH", help="Width over which these edges fade."),
    option: list[str] | None = options.OPTION,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    scheme: str = options.SCHEME,
    threshold: float | None = options.THRESHOLD,
    faces: str = options.FACES,
    no_face: str | None = options.no_face("whole for auto, else fail"),
    list_file: Path | None = Option(
        None, "--list", parser=words.path, help="File of pictures, one path a line; `-` is stdin."
    ),
    root: Path | None = options.ROOT,
    recursive: bool = options.RECURSIVE,
    shard: str | None = options.SHARD,
    overwrite: bool = options.OVERWRITE,
    card: str | None = options.CARD,
    input_size: str | None = options.INPUT_SIZE,
    jobs: int | None = options.JOBS,
    batch: int | None = options.BATCH,
    max_pixels: int | None = options.MAX_PIXELS,
    grace: float = options.GRACE,
    fail_fast: bool = options.FAIL_FAST,
    log: Path | None = options.LOG,
    quiet: bool = options.QUIET,
) -> None:
    """Label every pixel of photos: masks (pixel value = label) and overlays to look at.

    Examples: `faceparse parse photo.jpg -o out`, `faceparse parse photo.jpg --save cutout --classes hair -o hair.png`,
    `faceparse parse - -o - < photo.jpg > mask.png`

    A rerun writes only results that are missing, or whose picture, model or options have changed.
    """
    import sys

    from faceparse.errors import ConfigError
    from faceparse.files import atomic
    from faceparse.folder import Run, encode
    from faceparse.parser import AUTO, USUAL, Parser
    from faceparse.pictures.reader import SUFFIXES
    from faceparse.writers import WRITERS, read_options, writers

    if not inputs and list_file is None:
        raise ConfigError("name pictures, as in faceparse parse photo.jpg -o out, or --list FILE")
    if output is None:
        raise ConfigError("name a folder for the results: -o FOLDER, or -o - for stdout")
    to_stdout = str(output) == "-"
    margins = {"grow": grow, "shrink": shrink, "feather": feather}
    chosen = read_options(option or (), alpha=alpha, bits=bits, classes=classes or None, **margins)
    suffix = "" if output.is_dir() else output.suffix.lower()
    fitting = [name for name, kind in WRITERS.all().items() if suffix and suffix in _suffixes(kind)]
    if save is None:
        usual = [name for name in ("mask", "overlay") if not fitting or name in fitting]
        save = "mask" if to_stdout else ",".join(usual or fitting[:1])
    if "edit" in save.split(","):
        raise ConfigError("--save edit: pictures are edited by faceparse edit, as in --edit hair=#a0522d")
    forms = writers(save.split(","), chosen)
    if not fitting and suffix in SUFFIXES:
        endings = sorted(set().union(*(_suffixes(kind) for kind in WRITERS.all().values())))
        raise ConfigError(
            f"-o {output}: no form is written as {suffix}: name a {either(endings)} file, or a folder"
        )
    todo = find_pictures(inputs or [], output, list_file, recursive, root, max_pixels or 0, shard)
    if (to_stdout or fitting) and (len(todo), len(forms)) != (1, 1):
        raise ConfigError(
            f"-o {output} takes one picture and one form, got {len(todo)} and {len(forms)}: choose with --save, or give a folder"
        )
    if to_stdout or fitting:
        check_one_file(output, log, shard, *(() if to_stdout else (next(iter(todo)).source, list_file)))
    if fitting and not {*forms} & {*fitting}:
        raise ConfigError(f"-o {output} takes the form {either(fitting)}, not {save}")
    if to_stdout and (sys.stdout is None or sys.stdout.isatty()):
        raise ConfigError(
            "stdout is a terminal or closed: redirect it, as in faceparse parse photo.jpg -o - > mask.png"
        )
    parser = Parser(
        model,
        engine=engine,
        device=device,
        faces=faces,
        no_face=no_face,
        scheme=scheme,
        threshold=threshold,
        card=card,
        input_size=input_size,
        threads=None if min(jobs or 2, len(todo)) == 1 else 1,
        batch=batch,
        max_pixels=max_pixels,
    )
    for writer in forms.values():
        writer.check(parser.scheme)
    if scheme == AUTO and parser.scheme.name != USUAL and not quiet:
        note = f"note: results are in scheme {parser.scheme.name}, which does not convert to {USUAL}"
        say(note, err=True)
    if to_stdout:
        parsing = parser.parse(next(iter(todo)).picture)
        sys.stdout.buffer.write(encode(parsing, *forms.values()))
        sys.stdout.buffer.flush()
        return
    if fitting:
        with atomic(output, overwrite=overwrite, make_folder=True) as temporary:
            parsing = parser.parse(next(iter(todo)).picture)
            temporary.write_bytes(encode(parsing, *forms.values()))
        if not quiet:
            say(str(output))
        return
    run = Run(
        todo,
        parser.parse,
        forms,
        output,
        identity=parser.identity,
        scheme=parser.scheme,
        overwrite=overwrite,
        workers=min(jobs or parser.workers, len(todo)),
        fail_fast=fail_fast,
    )
    report(run, parser.card, log, quiet, grace)


def _suffixes(form: type[Writer]) -> set[str]:
    """Return the suffixes of an output form's files, such as `.png`."""
    return {Path(ending).suffix for ending in form.endings}


def check_one_file(output: Path, log: Path | None, shard: str | None, *inputs: Path | None) -> None:
    """Refuse a log or shard beside a single result, and a result that would replace the picture or the list of pictures."""
    from os.path import realpath

    from faceparse.errors import ConfigError

    if option := "--log" if log else "--shard" if shard else "":
        raise ConfigError(f"{option} needs an output folder, and -o {output} is not one: leave {option} out")
    if realpath(output) in [realpath(path) for path in inputs if path]:
        raise ConfigError(
            f"-o {output} is the picture itself or the list, and inputs are never overwritten: name another file"
        )


def find_pictures(
    inputs: list[str],
    output: Path,
    list_file: Path | None,
    recursive: bool,
    root: Path | None,
    pixels: int,
    shard: str | None,
) -> Jobs:
    """Find the pictures of a run or of its shard `I/N`; read stdin if `-` is among the inputs."""
    import sys
    from contextlib import nullcontext

    from faceparse.edits.files import EditedPicture
    from faceparse.errors import ConfigError, display_name
    from faceparse.folder.find import LONGEST_LIST, find_jobs, read_list
    from faceparse.folder.shard import WHOLE, Shard
    from faceparse.pictures.reader import LARGEST, read_encoded
    from faceparse.writers import WRITERS

    videos = [path for path in inputs if Path(path).suffix.lower() in VIDEOS and Path(path).is_file()]
    if videos:
        raise ConfigError(f"{display_name(videos[0])} is a video: use faceparse video")
    if [*inputs, str(list_file)].count("-") > 1:
        raise ConfigError("stdin can be read only once: give - once, as a picture or as --list -")
    paths: Iterable[str] = ()
    if list_file is not None:
        try:
            with nullcontext(sys.stdin.buffer) if str(list_file) == "-" else list_file.open("rb") as file:
                paths = read_list(file.read(LONGEST_LIST + 1))
        except OSError as error:
            raise ConfigError(f"cannot read list {list_file}: {error.strerror}") from None
    jobs = find_jobs(
        [path for path in inputs if path != "-"],
        output,
        # Outputs of earlier runs are not pictures to parse.
        [ending for kind in WRITERS.values() for ending in kind.endings] + list(EditedPicture.endings),
        from_list=paths,
        recursive=recursive,
        root=root,
        data=read_encoded(sys.stdin.buffer, pixels or LARGEST) if "-" in inputs else None,
        shard=WHOLE if shard is None else Shard.read(shard),
    )
    if not len(jobs):
        say(f"shard {shard} holds none of the {sum(1 for _ in jobs.sources()):,} pictures")
        raise typer.Exit
    return jobs


def report(run: Run, card: Card, log: Path | None, quiet: bool, grace: float) -> None:
    """Iterate over a folder's run with a model of this card: show progress, failures as they occur, and a summary."""
    from contextlib import ExitStack

    from faceparse.cli.console import progress_bar
    from faceparse.cli.interrupt import INTERRUPTED, stop_on_signals
    from faceparse.cli.process import tune_process
    from faceparse.folder import open_log
    from faceparse.results.sides import SideCounter
    from faceparse.weights.merging import scheme_of_results

    if run.workers != 1:
        tune_process()
    sides = SideCounter(scheme_of_results(card))
    run.parse = sides.watch(run.parse)
    to_stdout = str(log) == "-"
    with ExitStack() as stack:
        write_log = stack.enter_context(open_log(log)) if log else lambda record: None
        run.stop = stack.enter_context(stop_on_signals(grace))
        progress = stack.enter_context(progress_bar(quiet=quiet))
        for done, outcome in enumerate(run, 1):
            progress("parsing", done, len(run.jobs))
            write_log(outcome.record())
            if outcome.status in ("failed", "refused"):
                say(f"{outcome.status}: {outcome.reason}", err=True)
            elif len(run.jobs) == 1 and not (quiet or to_stdout):
                for path in outcome.outputs:
                    say(str(path))
        write_log({"summary": run.record()})
    for problem in run.summary_errors:
        say(f"failed: {problem}", err=True)
    if not quiet:
        for line in _summary(run):
            say(line, err=to_stdout)
        if sides.note():
            say(f"note: {sides.note()}", err=True)
    if run.end_reason == "stopped":
        raise typer.Exit(INTERRUPTED)
    if run.summary.counts["failed"] or run.summary.counts["refused"] or run.summary_errors:
        raise typer.Exit(1)


def _summary(run: Run) -> Iterator[str]:
    """Yield lines for a person: reasons of failures and refusals, counts, why the run ended early."""
    counts, tried = run.summary.counts, run.summary.counts.total()
    if tried > 1:
        for status in ("failed", "refused"):
            for reason, count in run.summary.reasons(status):
                yield f"{count} {status}: {reason}"
    yield from run.summary.warnings()
    if left_out := run.jobs.left_out:
        yield f"{left_out} left out as outputs of earlier runs: name such a picture itself to have it parsed"
    for path in run.summary_files:
        yield f"also {path}"
    if run.jobs.shard.ending and run.summarising:
        yield f"the summary of {', '.join(run.summarising)} is written by a run without --shard, after all shards"
    numbers = {**counts, "not begun": len(run.jobs) - tried}
    parts = [
        f"{n} {status}"
        for status in ("written", "skipped", "refused", "failed", "not begun")
        if (n := numbers.get(status))
    ]
    hint = " (--overwrite redoes them)" if counts["skipped"] or counts["refused"] else ""
    ended = f"{run.end_reason}: " if run.end_reason else ""
    yield f"{ended}{', '.join(parts)}{hint} in {run.output}, {run.seconds:.1f} s"
