"""`faceparse video`: parse or edit a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer import Argument, Option

from faceparse.cli import options, words
from faceparse.cli.say import say
from faceparse.registry import module_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from faceparse.frames import Frame, RawReader, Reader
    from faceparse.writers import Writer

    Sink = tuple[Any, Callable[[Any, Frame], None]]
    """An output, and the function that writes a frame to it."""


def command(
    source: str = Argument(None, metavar="VIDEO|-", help="A video; `-` is raw RGB frames from stdin."),
    output: Path | None = Option(
        None,
        "-o",
        "--output",
        parser=words.path,
        help="File (.mp4, .mov, .mkv, .webm, .jsonl), or folder of a file a frame; for several forms a folder; `-` is "
        "raw frames to stdout.",
    ),
    save: str | None = Option(
        None,
        help=f"What to write, with commas: {', '.join(module_names('writers.forms'))}. [default: overlay; rle into "
        ".jsonl]",
    ),
    edit: list[str] | None = Option(
        None,
        "--edit",
        metavar="NAME=VALUE",
        help="An edit, as faceparse edit takes it; several in their order.",
    ),
    smooth: float = Option(0.5, min=0, max=1, help="How much the past counts; 0 is frame by frame."),
    strict: bool = Option(
        False, "--strict", help="With anonymise: fail where a face that was found is not covered in a frame."
    ),
    no_audio: bool = Option(False, "--no-audio", help="Leave the sound out."),
    frame_size: str | None = Option(None, metavar="WIDTHxHEIGHT", help="Of raw frames."),
    rate: str | None = Option(None, metavar="N", help="Raw frames a second: 25, 30000/1001."),
    alpha: float | None = options.ALPHA,
    classes: str | None = options.CLASSES,
    option: list[str] | None = options.OPTION,
    model: str = options.MODEL,
    card: str | None = options.CARD,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    input_size: str | None = options.INPUT_SIZE,
    scheme: str = options.SCHEME,
    threshold: float | None = options.THRESHOLD,
    faces: str = options.FACES,
    no_face: str | None = options.no_face("whole for auto, else background"),
    overwrite: bool = Option(False, "--overwrite", help="Replace outputs that exist."),
    quiet: bool = options.QUIET,
) -> None:
    """Parse or edit a video: overlays, cut-outs, label maps, faces with ids, other hair, hidden faces.

    Examples: `faceparse video clip.mp4 -o overlay.mp4`, `faceparse video clip.mp4 -o hidden.mp4 --edit anonymise`,
    `faceparse video clip.mp4 -o out --save overlay,mask,cutout,rle`

    Sound is copied. Ctrl-C keeps what is done as `NAME.partial.EXT`.
    """
    import time
    from contextlib import ExitStack, closing

    from faceparse.cli.console import progress_bar
    from faceparse.cli.interrupt import stop_on_signals
    from faceparse.cli.process import tune_process
    from faceparse.edits import read_edit
    from faceparse.edits.files import EditedPicture
    from faceparse.errors import ConfigError
    from faceparse.frames import ahead, cover, video
    from faceparse.parser import Parser
    from faceparse.writers import read_options, writers

    if source is None:
        raise ConfigError("name a video, as in faceparse video clip.mp4 -o overlay.mp4")
    if output is None:
        raise ConfigError("name the output: -o FILE, -o FOLDER, or -o - for stdout")
    if save is None and not edit:
        save = "rle" if output.suffix.lower() == ".jsonl" else "overlay"
    if save and "edit" in save.split(","):
        raise ConfigError("--save has no form edit: name each edit with --edit, as in --edit hair=#a0522d")
    chosen = read_options(option or (), alpha=alpha, classes=classes or None)
    forms = writers(save.split(","), chosen) if save else {}
    if chosen and not save:
        raise ConfigError(f"{', '.join(chosen)}: an option of a form, and --save names none")
    edits = tuple(map(read_edit, edit or ()))
    if edits:
        forms["edit"] = EditedPicture(edits)
    private = any(one.private for one in edits)
    if strict and not private:
        raise ConfigError("--strict is about hidden faces: give --edit anonymise with it")
    reader = _reader(source, frame_size, rate)
    stem = "stdin" if source == "-" else Path(source).stem
    with ExitStack() as stack:
        stack.callback(reader.close)
        sinks = [
            _sink(form, path, reader, not no_audio, overwrite)
            for form, path in _paths(forms, output, stem, source)
        ]
        tune_process()
        parser = Parser(
            model,
            engine=engine,
            device=device,
            threads=1,  # several frames are parsed at the same time
            faces=faces,
            no_face=no_face or ("background" if faces in ("each", "largest") else None),
            scheme=scheme,
            threshold=threshold,
            card=card,
            input_size=input_size,
        )
        for form in forms.values():
            form.check(parser.scheme)
        parsed = video(reader, parser, smooth=smooth)
        frames = stack.enter_context(closing(ahead(cover(parsed, strict=strict) if private else parsed)))
        writes = [(stack.enter_context(sink), write) for sink, write in sinks]
        stop = stack.enter_context(stop_on_signals(10))
        progress = stack.enter_context(progress_bar(quiet=quiet))
        began, total = time.perf_counter(), 0
        for frame in frames:
            for sink, write in writes:
                write(sink, frame)
            total += 1
            speed = total / (time.perf_counter() - began)
            progress(f"{speed:.1f} frames a second", total, reader.count or None)
            if stop.is_set():
                raise KeyboardInterrupt
    if not quiet:
        to_stdout = str(output) == "-"
        for sink, _ in sinks if not to_stdout else ():
            say(str(sink.path))
        say(f"{total} frames, {speed:.1f} a second", err=to_stdout)


def _reader(source: str, frame_size: str | None, rate: str | None) -> Reader | RawReader:
    import re
    import sys
    from fractions import Fraction

    from faceparse.errors import ConfigError
    from faceparse.frames import RawReader, Reader

    if source != "-":
        if frame_size or rate:
            raise ConfigError("--frame-size and --rate are of raw frames from stdin: leave them out")
        return Reader(source)
    if not frame_size or not rate:
        raise ConfigError("raw frames from stdin need --frame-size WIDTHxHEIGHT and --rate N")
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", frame_size)
    if not size:
        raise ConfigError(f"--frame-size is WIDTHxHEIGHT, such as 640x480; got {frame_size!r}")
    try:
        per_second = Fraction(rate)
    except (ValueError, ZeroDivisionError):
        raise ConfigError(f"--rate is a number such as 25 or 30000/1001; got {rate!r}") from None
    return RawReader(sys.stdin.buffer, (int(size[2]), int(size[1])), per_second)


def _paths(forms: dict[str, Writer], output: Path, stem: str, source: str) -> list[tuple[Writer, Path]]:
    """Return each form with its output: the one that is named, or one of its own in a folder."""
    import os
    import sys

    from faceparse.errors import ConfigError
    from faceparse.frames.writer import CODINGS

    if str(output) == "-" and (sys.stdout is None or sys.stdout.isatty()):
        raise ConfigError("stdout is a terminal or closed: redirect it, or name a file")
    if len(forms) == 1:
        if source != "-" and os.path.realpath(source) == os.path.realpath(output):
            raise ConfigError(
                f"-o {output} is the video itself, and inputs are never overwritten: name another file"
            )
        return [(form, output) for form in forms.values()]
    if (output.suffix.lower() in (*CODINGS, ".jsonl") and not output.is_dir()) or str(output) == "-":
        raise ConfigError(f"-o {output} takes one form, got {', '.join(forms)}: give a folder")
    return [(form, output / f"{stem}_{name}{_suffix(form)}") for name, form in forms.items()]


def _suffix(form: Writer) -> str:
    """Return the suffix of a form's file beside those of others; empty for a folder of a file a frame."""
    if hasattr(form, "record"):
        return ".jsonl"
    return {1: ".mkv", 3: ".mp4", 4: ".mov", 0: ""}[getattr(form, "channels", 0)]


def _sink(form: Writer, path: Path, reader: Reader | RawReader, sound: bool, overwrite: bool) -> Sink:
    """Return a form's output and the function that writes a frame to it.

    Raises:
        OutputError: no such output, or one that cannot hold the form.
    """
    import sys

    from faceparse.errors import OutputError
    from faceparse.frames import FolderWriter, LineWriter, RawWriter
    from faceparse.frames import Writer as VideoWriter

    draw: Any = getattr(form, "draw", None)
    record: Any = getattr(form, "record", None)
    if path.suffix.lower() == ".jsonl" and record:
        return LineWriter(path, overwrite=overwrite), lambda sink, frame: sink.write(
            frame, record(frame.parsing)
        )
    if path.is_dir() or (not path.suffix and str(path) != "-"):
        return FolderWriter(path, overwrite=overwrite), lambda sink, frame: sink.write(
            lambda stem: form.write(frame.parsing, stem), frame.time
        )
    if draw is None or path.suffix.lower() == ".jsonl":
        kinds = " or ".join(["a .jsonl file"] * bool(record) + ["a video"] * bool(draw) + ["a folder"])
        raise OutputError(f"{path} cannot hold {form.name}: give {kinds}")
    output: Any = (
        RawWriter(sys.stdout.buffer)
        if str(path) == "-"
        else VideoWriter(
            path, reader, channels=getattr(form, "channels", 3), sound=sound, overwrite=overwrite
        )
    )
    return output, lambda sink, frame: sink.write(draw(frame.parsing), frame.time)
