"""`faceparse edit`: change photos by their masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typer import Option

from faceparse.cli import options, words
from faceparse.cli.commands.parse import check_one_file, find_pictures, report
from faceparse.cli.say import say

if TYPE_CHECKING:
    from faceparse.edits import Edit


def command(
    inputs: list[str] | None = options.INPUTS,
    output: Path | None = Option(None, "-o", "--output", help="Folder, or a file for one picture."),
    edit: list[str] | None = Option(
        None,
        "--edit",
        metavar="NAME=VALUE",
        help="An edit: hair=#a0522d,strength=0.6. Repeat it for several edits, applied in order.",
    ),
    save: str | None = Option(None, hidden=True),
    names: bool = Option(False, "--list", help="Print the edits with their options."),
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    faces: str = options.FACES,
    no_face: str | None = options.no_face("fail with anonymise"),
    pictures: Path | None = Option(
        None, parser=words.path, help="File of pictures, one path a line; `-` is stdin."
    ),
    root: Path | None = options.ROOT,
    recursive: bool = options.RECURSIVE,
    shard: str | None = options.SHARD,
    overwrite: bool = options.OVERWRITE,
    card: str | None = options.CARD,
    jobs: int | None = options.JOBS,
    batch: int | None = options.BATCH,
    max_pixels: int | None = options.MAX_PIXELS,
    grace: float = options.GRACE,
    fail_fast: bool = options.FAIL_FAST,
    log: Path | None = options.LOG,
    quiet: bool = options.QUIET,
) -> None:
    """Change photos by their masks: hair, lips and brows in other colours, make-up, softer skin, other backgrounds, hidden faces.

    Examples: `faceparse edit photo.jpg -o out --edit hair=#a0522d --edit lips=#b0103a`,
    `faceparse edit photos -o out --edit anonymise`, `faceparse edit photo.jpg -o me.png --edit background=transparent`

    Folders, reruns, names and errors are as in `faceparse parse`; each result is `STEM_edit.EXT`.
    """
    from faceparse.cli.console import print_table
    from faceparse.edits import EDITS, read_edit
    from faceparse.edits.files import FORMATS, EditedPicture
    from faceparse.errors import ConfigError
    from faceparse.files import atomic
    from faceparse.folder import Run
    from faceparse.parser import Parser
    from faceparse.pictures.reader import SUFFIXES
    from faceparse.registry import either

    if save:
        raise ConfigError(
            f"edit writes edited pictures alone: faceparse parse --save {save} writes other forms"
        )
    if names:
        print_table("edits", ("edit", "options", "what it does"), [_row(kind) for kind in EDITS.values()])
        return
    if not edit:
        raise ConfigError("say what to do, as in --edit hair=#a0522d; faceparse edit --list names the edits")
    if not inputs and pictures is None:
        raise ConfigError("name pictures, as in faceparse edit photo.jpg -o out --edit hair=#a0522d")
    if output is None:
        raise ConfigError("name a folder for the results, -o FOLDER, or a file for one picture")
    form = EditedPicture(tuple(map(read_edit, edit)))
    todo = find_pictures(inputs or [], output, pictures, recursive, root, max_pixels or 0, shard)
    suffix = "" if output.is_dir() else output.suffix.lower()
    one = suffix in FORMATS
    if (
        suffix
        and not one
        and (suffix in SUFFIXES or (inputs and Path(inputs[0]).is_file() and len(todo) == 1))
    ):
        raise ConfigError(
            f"-o {output}: no picture is written as {suffix}: name a {either(FORMATS)} file, or a folder that exists"
        )
    if one and len(todo) != 1:
        raise ConfigError(f"-o {output} takes one picture, got {len(todo)}: give a folder")
    if one:
        check_one_file(output, log, shard, next(iter(todo)).source, pictures)
    parser = Parser(
        model,
        engine=engine,
        device=device,
        faces=faces,
        no_face=no_face or ("fail" if any(step.private for step in form.edits) else None),
        card=card,
        threads=None if min(jobs or 2, len(todo)) == 1 else 1,
        batch=batch,
        max_pixels=max_pixels,
    )
    form.check(parser.scheme)
    if one:
        with atomic(output, overwrite=overwrite, make_folder=True) as temporary:
            parsing = parser.parse(next(iter(todo)).picture)
            temporary.write_bytes(form.encode(parsing, suffix))
        if not quiet:
            say(str(output))
        return
    run = Run(
        todo,
        parser.parse,
        {form.name: form},
        output,
        identity=parser.identity,
        scheme=parser.scheme,
        overwrite=overwrite,
        workers=min(jobs or parser.workers, len(todo)),
        fail_fast=fail_fast,
    )
    report(run, parser.card, log, quiet, grace)


def _row(kind: type[Edit]) -> tuple[str, str, str]:
    """Return an edit's name, its options with ranges and defaults, and the first sentence of its docstring."""
    import inspect
    from dataclasses import MISSING, fields

    from faceparse.tables import described, hints

    types = hints(kind)
    options = [
        f"{field.name} {described(types[field.name])}"
        + ("" if field.default is MISSING else f" [{field.default}]")
        for field in fields(kind)  # type: ignore[arg-type]
    ]
    return kind.name, "; ".join(options), inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
