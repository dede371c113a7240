"""`faceparse export`: a network to ONNX, in the precision and form that its place needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from faceparse.data import FolderDataset
    from faceparse.engines import Engine
    from faceparse.export import Exported
    from faceparse.models import Network
    from faceparse.weights import Card


def command(
    model: Annotated[
        str,
        typer.Option(help="A .safetensors file, checkpoint or plain .onnx file, or default."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.onnx", help="File to write.")],
    card: Annotated[
        str | None, typer.Option(help="Card id or TOML file; needed for a published checkpoint.")
    ] = None,
    precision: Annotated[str, typer.Option(help="fp32, fp16 or int8.")] = "fp32",
    phone: Annotated[
        bool, typer.Option("--phone", help="One size, and only operators that phones run.")
    ] = False,
    with_preprocessing: Annotated[
        bool, typer.Option("--with-preprocessing", help="uint8 pictures of any size in, labels out.")
    ] = False,
    opset: Annotated[int, typer.Option(help="ONNX operator set, 15 or later.")] = 18,
    calibrate: Annotated[
        Path | None, typer.Option(help="Folder of pictures on which int8 measures its scales.")
    ] = None,
    keep_float: Annotated[
        str, typer.Option(help="Nodes that stay float32 in int8: first, last, or names, with commas.")
    ] = "",
    weight_bits: Annotated[
        int, typer.Option(help="Of int8: 8, or 7 for CPUs without VNNI.", metavar="8|7")
    ] = 8,
    root: Annotated[
        Path | None,
        typer.Option("--data.root", help="Labelled folder: mean F1 before and after is measured on it."),
    ] = None,
    data_scheme: Annotated[
        str | None, typer.Option("--data.scheme", help="Scheme of its label maps.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split file ROOT/SPLIT.txt, or all.")] = "val",
    pictures: Annotated[int, typer.Option(min=1, help="Pictures of it that are measured on.")] = 100,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Write a network as one ONNX file with its card inside, and compare it with the original.

    As it stands: one output (logits at the network's own resolution), any batch and picture size.

    Example: `faceparse export --model default -o small.onnx --precision int8 --calibrate photos`
    """
    from faceparse.data import FolderDataset
    from faceparse.errors import ConfigError
    from faceparse.export import calibration_pictures, export_onnx, load_source

    if phone and with_preprocessing:
        raise ConfigError("--phone and --with-preprocessing are two forms: choose one of them")
    if calibrate is not None and precision != "int8":
        raise ConfigError(f"--calibrate is for --precision int8, got {precision}")
    if root is not None and data_scheme is None:
        raise ConfigError("--data.root needs --data.scheme, the scheme of its label maps")
    dataset = FolderDataset(root, split, data_scheme) if root is not None and data_scheme else None
    origin, its_card = load_source(model, card)
    done = export_onnx(
        origin,
        its_card,
        output,
        precision=precision,
        form="phone" if phone else "picture" if with_preprocessing else "network",
        opset=opset,
        calibration=[] if calibrate is None else calibration_pictures(calibrate),
        keep_float=[name for name in keep_float.split(",") if name],
        weight_bits=weight_bits,
        overwrite=overwrite,
    )
    for kind, values in (("input", done.inputs), ("output", done.outputs)):
        for name, shape in values.items():
            typer.echo(f"{kind}: {name} ({', '.join(map(str, shape))})")
    typer.echo(f"parity: {done.parity}")
    if phone:
        typer.echo("phone: nothing left that phones reject")
    if dataset is not None:
        from faceparse.cli.console import progress_console

        before, after, counted = _mean_f1(origin, its_card, done, dataset, pictures, progress_console())
        typer.echo(
            f"mean F1: {before:.2f} before, {after:.2f} after, {after - before:+.2f} "
            f"({counted} pictures of {dataset.root.name} {split})"
        )
    typer.echo(f"wrote {done.path}, {done.size / 1e6:.1f} MB, card {done.card.name}")
    typer.echo(f"terms: {done.card.licence.terms}")


def _mean_f1(
    origin: Network | Path,
    card: Card,
    done: Exported,
    dataset: FolderDataset,
    pictures: int,
    console: Console,
) -> tuple[float, float, int]:
    """Mean F1 of what was exported and of the file, on pictures spread evenly over the data set."""
    import numpy as np
    from rich.progress import Progress

    from faceparse.engines.onnx import OnnxEngine
    from faceparse.evaluate import Predict, evaluate
    from faceparse.export import NetworkEngine, PictureGraph
    from faceparse.parser import Parser

    def labeller(engine: Engine) -> Predict:
        parser = Parser(engine, faces="whole", scheme=None)
        return lambda sample: parser.parse(sample.image).labels

    def of_picture(graph: PictureGraph) -> Predict:
        return lambda sample: graph(sample.image)

    engine = OnnxEngine(origin, card) if isinstance(origin, Path) else NetworkEngine(origin, card)
    chosen = np.linspace(0, len(dataset) - 1, min(pictures, len(dataset))).round().astype(int).tolist()
    form = done.card.variant.form if done.card.variant else "network"
    ways = (
        labeller(engine),
        of_picture(PictureGraph(done.path)) if form == "picture" else labeller(OnnxEngine(done.path)),
    )
    scheme = card.label_scheme
    means = []
    with Progress(console=console, transient=True) as progress:
        for way, name in zip(ways, ("before", "after"), strict=True):
            samples = progress.track((dataset[i] for i in chosen), total=len(chosen), description=name)
            means.append(evaluate(way, samples, dataset.scheme, scheme).mean_f1)
    return means[0], means[1], len(chosen)
