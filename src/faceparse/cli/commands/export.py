"""`faceparse export`: a network to ONNX, in the precision and form that its runtime needs."""

from __future__ import annotations

from pathlib import Path

from typer import Option

from faceparse.cli.say import say


def command(
    model: str = Option(..., help="A .safetensors file, checkpoint or plain .onnx file, or default."),
    output: Path | None = Option(
        None,
        "-o",
        "--output",
        metavar="FILE.onnx",
        help="File to write. [default: the model's name with .onnx]",
    ),
    card: str | None = Option(
        None, help="Card id or TOML file, if several cards fit a published checkpoint."
    ),
    precision: str = Option("fp32", help="fp32, fp16 or int8."),
    audience: str = Option(
        "faceparse",
        "--for",
        metavar="faceparse|published",
        help="Program that will run it; published: logits at the input's size.",
    ),
    input_name: str = Option("input", help="Name of the input, with --for published."),
    output_name: str = Option("output", help="Name of the output, with --for published."),
    phone: bool = Option(False, "--phone", help="One input size, and only operators that phones support."),
    with_preprocessing: bool = Option(
        False, "--with-preprocessing", help="The input is uint8 pictures of any size, the output labels."
    ),
    opset: int = Option(18, help="ONNX operator set, 15 or later."),
    calibrate: Path | None = Option(None, help="Folder of pictures on which int8 measures its scales."),
    degrade: str = Option(
        "", help="Degrade --calibrate's pictures in turn: blurN, downN, noiseN, dark; with commas."
    ),
    keep_float: str = Option("", help="Nodes that stay float32 in int8: first, last, or names, with commas."),
    weight_bits: int = Option(8, help="Bits of int8 weights: 8, or 7 for CPUs without VNNI.", metavar="8|7"),
    root: Path | None = Option(
        None, "--data.root", help="Labelled folder on which to measure mean F1, before and after."
    ),
    data_scheme: str | None = Option(None, "--data.scheme", help="Its label scheme, unless it states one."),
    split: str = Option("val", help="Split file ROOT/SPLIT.txt, or all."),
    pictures: int = Option(100, min=1, help="Number of its pictures to measure on."),
    overwrite: bool = Option(False, "--overwrite", help="Replace a file that exists."),
) -> None:
    """Write a network as one ONNX file with its card inside, and compare it with the original.

    By default: one output (logits at the network's own resolution), any batch and picture size. For a program of
    another project, which expects logits at the input's size: `--for published`.

    Example: `faceparse export --model default -o small.onnx --precision int8 --calibrate photos`
    """
    from faceparse.cli.console import progress_bar
    from faceparse.data import FolderDataset
    from faceparse.data.derived import Subset
    from faceparse.errors import ConfigError
    from faceparse.export import calibration_pictures, export_onnx, export_reports, load_source
    from faceparse.export.published import NAMES

    forms = {"published": audience == "published", "phone": phone, "picture": with_preprocessing}
    if audience not in ("faceparse", "published"):
        raise ConfigError(f"--for is faceparse or published, got {audience!r}")
    if sum(forms.values()) > 1:
        raise ConfigError("--for published, --phone and --with-preprocessing exclude each other: choose one")
    if (input_name, output_name) != NAMES and audience != "published":
        raise ConfigError("--input-name and --output-name need --for published: add it, or leave them out")
    if calibrate is not None and precision != "int8":
        raise ConfigError(f"--calibrate needs --precision int8; got {precision}")
    if degrade and calibrate is None:
        raise ConfigError("--degrade needs --calibrate FOLDER, the pictures to degrade")
    dataset = None if root is None else Subset(FolderDataset(root, split, data_scheme), pictures)
    origin, its_card = load_source(model, card)
    if output is None:
        output = Path(model).with_suffix(".onnx")
        if output == Path(model) or not Path(model).is_file():
            raise ConfigError(f"--model {model} is no file in a folder to write to: give -o FILE.onnx")
    exported = export_onnx(
        origin,
        its_card,
        output,
        precision=precision,
        form=next((form for form, wanted in forms.items() if wanted), "network"),
        names=(input_name, output_name),
        opset=opset,
        calibration=[] if calibrate is None else calibration_pictures(calibrate),
        degradations=[name for name in degrade.split(",") if name],
        keep_float=[name for name in keep_float.split(",") if name],
        weight_bits=weight_bits,
        overwrite=overwrite,
    )
    for kind, values in (("input", exported.inputs), ("output", exported.outputs)):
        for name, shape in values.items():
            say(f"{kind}: {name} ({', '.join(map(str, shape))})")
    say(f"parity: {exported.parity}")
    if phone:
        say("phone: nothing left that phones reject")
    if root is not None and dataset is not None:
        with progress_bar() as progress:
            before, after = export_reports(origin, its_card, exported, dataset, progress)
        say(
            f"mean F1: {before.mean_f1:.2f} before, {after.mean_f1:.2f} after, "
            f"{after.mean_f1 - before.mean_f1:+.2f} ({before.pictures} pictures of {root.name} {split})"
        )
    say(f"wrote {exported.path}, {exported.size / 1e6:.1f} MB, card {exported.card.name}")
    say(f"terms: {exported.card.licence.terms}")
