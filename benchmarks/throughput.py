"""How much of the machine reaches the user: bare networks, folders, and a plain reference loop, in one run.

    python benchmarks/throughput.py --bisenet 79999_iter.pth [--source PORTRAITS] [--calibrate PORTRAITS]
    python benchmarks/throughput.py --compare r18,r34,default

Prints Markdown tables. Pictures a second are the best of the rounds, which take
turns, so that a noisy machine disturbs all alike:

- bare: the network alone on ready inputs of the same pictures, as one run on all cores (whose threads may spin) and as
  one-thread runs side by side; ratios take the faster one;
- folder: `faceparse parse FOLDER`'s own code, JPEG in, mask and overlay out;
- reference: what the published inference script does step by step with the same BiSeNet (full-size logits).

`--compare r18,r34` sets bare networks side by side instead, with parameters, operations and file size; networks have random
weights, which change no time. It needs no file.

Then peak memory of the folder's command and its start-up, each in a process of its own, and where a picture's
milliseconds go, in CPU time of one thread.

Needs the export extra, and zllrunning's 79999_iter.pth.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import footprint
import numpy as np
import onnxruntime
import steps
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import faceparse
from faceparse.cli.process import tune_process
from faceparse.export import calibration_pictures, export_onnx, load_source
from faceparse.folder import Run, find_jobs
from faceparse.labels import scheme
from faceparse.models import build, load
from faceparse.parser import Parser
from faceparse.pictures import read_picture
from faceparse.weights import card, cards
from faceparse.weights.modelfile import find_model
from faceparse.writers import writers
from pictures import SAMPLE, make_pictures

CORES = len(os.sched_getaffinity(0))
PALETTE = scheme("celebamask19").palette
SPINNING = "cpu:session.intra_op.allow_spinning=1"
"""Faster for a network that has the machine to itself; with decoding beside it, slower."""
INPUTS = 8
"""Pictures whose inputs the bare network is run on, in turn."""
PROFILED = 10
"""Pictures that are taken step by step."""


class FullSize(nn.Module):
    """The network as published: logits at the input's size."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(image)
        return logits


def export_full_size(checkpoint: Path, path: Path) -> None:
    """One head at 512², for the reference loop."""
    network = load("bisenet-zllrunning", checkpoint)
    torch.onnx.export(
        FullSize(network).eval(), (torch.zeros(1, 3, 512, 512),), str(path), input_names=["image"],
        output_names=["logits"], dynamo=True, verbose=False,
    )  # fmt: skip


def reference_loop(model: Path, source: Path, output: Path) -> None:
    """The published script's steps, one picture after the other."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    std = np.array([0.229, 0.224, 0.225], np.float32)
    output.mkdir(exist_ok=True)
    for path in sorted(source.iterdir()):
        picture = cv2.imread(str(path))
        image = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), (512, 512))
        image = (image.astype(np.float32) / 255 - mean) / std
        tensor = np.expand_dims(np.transpose(image, (2, 0, 1)), 0).astype(np.float32)
        logits = session.run(None, {"image": tensor})[0]
        labels = logits.squeeze(0).argmax(0).astype(np.uint8)
        labels = cv2.resize(labels, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        colours = np.zeros((*labels.shape, 3), np.uint8)
        for label in range(1, int(labels.max()) + 1):
            where = np.where(labels == label)
            colours[where[0], where[1], :] = PALETTE[label]
        blended = cv2.addWeighted(picture, 0.6, cv2.cvtColor(colours, cv2.COLOR_RGB2BGR), 0.4, 0)
        cv2.imwrite(str(output / f"{path.stem}.png"), labels)
        cv2.imwrite(str(output / path.name), blended, [cv2.IMWRITE_JPEG_QUALITY, 100])


def folder(parser: Parser, source: Path, output: Path) -> None:
    """What the command does with a folder, less the progress bar."""
    chosen = writers(["mask", "overlay"])
    jobs = find_jobs([source], output, [e for w in chosen.values() for e in w.endings])
    outcomes = list(Run(jobs, parser.parse, chosen, output, overwrite=True))
    failed = [o.reason for o in outcomes if o.status != "written"]
    assert not failed, failed


def bare(parser: Parser, inputs: Sequence[NDArray[np.float32]], count: int, side_by_side: int) -> None:
    """The engine alone on ready inputs."""
    with ThreadPoolExecutor(side_by_side) as pool:
        list(pool.map(lambda i: parser._engine.run({"image": inputs[i % len(inputs)]}), range(count)))


def rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def make_models(checkpoint: Path, precisions: list[str], calibration: Path, work: Path) -> dict[str, str]:
    """`79999 fp32`, `default int8` and so on → model file."""
    made = {}
    plain = work / "79999-fp32.onnx"
    export_onnx(load("bisenet-zllrunning", checkpoint), card("bisenet-resnet18-zllrunning"), plain)
    packaged = {("default", "fp32"): "default", ("default", "int8"): "default-int8"}
    for name, source in (("79999", str(plain)), ("default", "default")):
        for precision in precisions:
            path = work / f"{name}-{precision}.onnx"
            if precision != "fp32" and (name, precision) not in packaged:
                pictures = calibration_pictures(calibration, 32) if precision == "int8" else []
                export_onnx(*load_source(source), path, precision=precision, calibration=pictures)
            made[f"{name} {precision}"] = packaged.get(
                (name, precision), source if precision == "fp32" else str(path)
            )
    return made


KINDS = {
    "all": f"bare, one run on {CORES} threads",
    "each": f"bare, {CORES} runs of one thread",
    "folder": "folder",
}
REFERENCE = "79999 fp32 reference loop"


def rates(
    models: dict[str, str], source: Path, output: Path, full: Path, count: int, rounds: int
) -> dict[str, float]:
    """Pictures a second by `MODEL KIND`; the best of the rounds."""
    tasks: dict[str, Callable[[], object]] = {}
    some = [read_picture(path) for path in sorted(source.iterdir())[:INPUTS]]
    for name, model in models.items():
        many, single = Parser(model, device=SPINNING), Parser(model, threads=1)
        inputs = [single.card.input(picture) for picture in some]
        tasks[f"{name} {KINDS['all']}"] = lambda p=many, i=inputs: bare(p, i, count, 1)
        tasks[f"{name} {KINDS['each']}"] = lambda p=single, i=inputs: bare(p, i, count, CORES)
        tasks[f"{name} {KINDS['folder']}"] = lambda p=single, d=output / name: folder(p, source, d)
    tasks[REFERENCE] = lambda: reference_loop(full, source, output / "reference")
    best = dict.fromkeys(tasks, 0.0)
    for _ in range(rounds):
        for name, task in tasks.items():
            best[name] = max(best[name], rate(count, task))
    return best


def ratios(models: dict[str, str], best: dict[str, float]) -> dict[str, float]:
    """The figures that are asked for."""
    ones = {m: max(best[f"{m} {KINDS[k]}"] for k in ("all", "each")) for m in models}
    found = {f"{m}: folder / bare network": best[f"{m} folder"] / ones[m] for m in models}
    for name in models:
        network, precision = name.split()
        if precision != "fp32":
            found[f"{network}: {precision} / fp32, bare network"] = ones[name] / ones[f"{network} fp32"]
        found[f"{name} folder / 79999 fp32 reference loop"] = best[f"{name} folder"] / best[REFERENCE]
    found["default fp32 / 79999 fp32, bare network"] = ones["default fp32"] / ones["79999 fp32"]
    return found


def print_rates(models: dict[str, str], best: dict[str, float]) -> None:
    print(f"\n| pictures a second | {' | '.join(models)} |\n{'|---' * (len(models) + 1)}|")
    for kind in KINDS.values():
        print(f"| {kind} | {' | '.join(f'{v:.2f}' for v in (best[f'{m} {kind}'] for m in models))} |")
    print(f"| reference loop | {best[REFERENCE]:.2f} |{' |' * (len(models) - 1)}")


def print_footprints(models: dict[str, str], source: Path, count: int) -> dict[str, float]:
    found = {m: footprint.parse(model, source) for m, model in models.items()}
    alone = {m: min(footprint.parse(model, SAMPLE).seconds for _ in range(3)) for m, model in models.items()}
    sizes = {m: Path(find_model(model).path).stat().st_size / 1e6 for m, model in models.items()}
    print(f"\n| the command, a process of its own | {' | '.join(models)} |\n{'|---' * (len(models) + 1)}|")
    print(f"| model file, MB | {' | '.join(f'{s:.1f}' for s in sizes.values())} |")
    print(f"| folder of {count}: peak memory, MB | {' | '.join(f'{f.peak:.0f}' for f in found.values())} |")
    print(f"| one 512² photo from a cold start, s | {' | '.join(f'{s:.2f}' for s in alone.values())} |")
    start = min(footprint.run("--help").seconds for _ in range(5))
    print(f"\n`faceparse --help`: {start:.2f} s")
    return {f"{m} peak MB": f.peak for m, f in found.items()} | {
        f"{m} one photo s": s for m, s in alone.items()
    }


SHORT = {"r18": "bisenet-resnet18", "r34": "bisenet-resnet34", "default": "fpn-efficientnet_lite0"}


def compare(names: Sequence[str], source: Path, count: int, rounds: int, work: Path) -> None:
    """Print a row for each network: parameters, operations, file, pictures a second, time against the first one's."""
    some = [read_picture(path) for path in sorted(source.iterdir())[:INPUTS]]
    rows, tasks = {}, {}
    for name in names:
        network = build(SHORT.get(name, name)).eval()
        its_card = next(c for c in cards().values() if c.network == SHORT.get(name, name))
        exported = export_onnx(network, its_card, work / f"{name}.onnx")
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network.grid_logits(torch.zeros(1, 3, *its_card.input.size))
        millions = sum(p.numel() for p in network.parameters()) / 1e6
        giga = counter.get_total_flops() / 1e9
        side = "×".join(map(str, dict.fromkeys(its_card.input.size)))
        rows[name] = f"{side} | {millions:.1f} | {giga:.1f} | {exported.size / 1e6:.1f}"
        inputs = [its_card.input(picture) for picture in some]
        many, single = Parser(exported.path, device=SPINNING), Parser(exported.path, threads=1)
        tasks[name] = (
            lambda p=many, i=inputs: bare(p, i, count, 1),
            lambda p=single, i=inputs: bare(p, i, count, CORES),
        )
    best = {name: [0.0, 0.0] for name in names}
    for _ in range(rounds):
        for name, pair in tasks.items():
            best[name] = [max(b, rate(count, task)) for b, task in zip(best[name], pair, strict=True)]
    print(
        f"\n| network | input | M parameters | GFLOPs | ONNX, MB | {KINDS['all']} | {KINDS['each']} | time |"
    )
    print("|---" * 8 + "|")
    for name, (many_rate, single_rate) in best.items():
        time_taken = max(best[names[0]]) / max(many_rate, single_rate)
        print(f"| {name} | {rows[name]} | {many_rate:.2f} | {single_rate:.2f} | {time_taken:.2f} |")
    print(
        f"\nGFLOPs: a multiplication with its addition counts as two. Time: of a picture, {names[0]}'s is 1."
    )


def gather(given: Path | None, source: Path, count: int, side: int) -> None:
    """The pictures to parse, `count` JPEGs of side × side: the sample's variations, or given ones resized."""
    if given is None:
        make_pictures(source, count, side)
        return
    paths = sorted(p for p in given.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        raise SystemExit(f"no .jpg or .png in {given}")
    for i in range(count):
        picture = Image.fromarray(read_picture(paths[i * len(paths) // count]))
        picture.resize((side, side), Image.Resampling.LANCZOS).save(source / f"{i:03}.jpg", quality=92)


def machine() -> str:
    """The processor, and whether it has instructions for int8."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    name = next((line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line), "")
    flags = [flag for flag in ("avx512f", "avx512_vnni", "avx_vnni", "amx_int8") if f" {flag}" in text]
    return f"{name or platform.processor() or platform.machine()} ({', '.join(flags) or 'no VNNI'})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bisenet", type=Path, help="zllrunning's 79999_iter.pth")
    options.add_argument(
        "--compare", help="networks, with commas: r18, r34, default, segface-celeb-mobilenet"
    )
    options.add_argument("--pictures", type=int, default=90)
    options.add_argument("--side", type=int, default=1024)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--precisions", default="fp32,fp16,int8", help="with commas; fp32 is always among them"
    )
    options.add_argument(
        "--calibrate", type=Path, help="pictures for int8; the ones that are parsed if not given"
    )
    options.add_argument(
        "--source", type=Path, help="JPEGs of aligned portraits; variations of the sample if not given"
    )
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if (chosen.bisenet is None) == (chosen.compare is None):
        options.error("give --bisenet FILE or --compare NETWORKS")
    work = Path(tempfile.mkdtemp(prefix="faceparse-benchmark-"))
    source, output = work / "in", work / "out"
    source.mkdir()
    gather(chosen.source, source, chosen.pictures, chosen.side)
    if chosen.compare:
        tune_process()
        print(
            f"{machine()}, {CORES} cores, ONNX Runtime {onnxruntime.__version__}, best of {chosen.rounds} rounds"
        )
        compare(chosen.compare.split(","), source, chosen.pictures, chosen.rounds, work)
        shutil.rmtree(work)
        return
    precisions = ["fp32", *(p for p in chosen.precisions.split(",") if p != "fp32")]
    models = make_models(chosen.bisenet, precisions, chosen.calibrate or source, work)
    full = work / "full.onnx"
    export_full_size(chosen.bisenet, full)
    tune_process()
    print(f"{machine()}, ONNX Runtime {onnxruntime.__version__}")
    print(f"{chosen.pictures} JPEGs of {chosen.side}², {CORES} cores, best of {chosen.rounds} rounds")
    best = rates(models, source, output, full, chosen.pictures, chosen.rounds)
    print_rates(models, best)
    asked = ratios(models, best)
    print("\n| ratio | |\n|---|---|")
    for name, value in asked.items():
        print(f"| {name} | {value:.2f} |")
    commands = print_footprints(models, source, chosen.pictures)
    profile = output / "profile"
    profile.mkdir(parents=True)
    paths = sorted(source.iterdir())[:PROFILED]
    columns = {m: steps.measure(model, paths, profile, 3) for m, model in models.items()}
    print(f"\n{steps.table(columns)}")
    if chosen.json:
        about = {"faceparse": faceparse.__version__, "machine": machine(), "cores": CORES}
        figures = {
            "about": about, "pictures_per_second": best, "ratios": asked, "command": commands, "cpu_ms": columns
        }  # fmt: skip
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
