"""How much of the machine reaches the user: bare networks, folders, and a plain reference loop, in one run.

    python benchmarks/throughput.py --bisenet 79999_iter.pth [--pictures 90] [--side 1024] [--rounds 3]

Prints pictures a second, best of the rounds (which take turns, so that a noisy machine disturbs all alike):

- bare: the network alone on ready inputs, both with one run on all cores and with one-thread runs side by side;
- folder: `faceparse parse FOLDER`'s own code, JPEG in, mask and overlay out;
- reference: what the published inference script does step by step with the same BiSeNet (full-size logits).

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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch import Tensor, nn

import faceparse
from faceparse.export import export_onnx
from faceparse.labels import scheme
from faceparse.models import load
from faceparse.runtime import Parser
from faceparse.runtime.faces import Square, YuNet, crop
from faceparse.runtime.folder import Run, find_jobs
from faceparse.weights import card
from faceparse.writers import writers

CORES = len(os.sched_getaffinity(0))
PALETTE = scheme("celebamask19").palette


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Variations of the sample portrait: framing, size and light differ, as in a folder of photos."""
    sample = np.asarray(Image.open(Path(__file__).parents[1] / "examples" / "collins.jpg"))
    # Framed like the portraits that the networks are trained on, so that every loop here looks once.
    face = YuNet().detect(sample)[0]
    portrait = crop(sample, Square.from_landmarks(face.landmarks), (side, side))
    rng = np.random.default_rng(0)
    for i in range(count):
        zoom, turn = rng.uniform(0.92, 1.08), rng.uniform(-6, 6)
        move = cv2.getRotationMatrix2D((side / 2, side / 2), turn, zoom)
        picture = cv2.warpAffine(portrait, move, (side, side), borderMode=cv2.BORDER_REFLECT)
        grain = rng.normal(0, 3, picture.shape)
        picture = np.clip(picture * rng.uniform(0.8, 1.15) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i:03}.jpg", quality=92)


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
        FullSize(network), (torch.zeros(1, 3, 512, 512),), str(path), input_names=["image"],
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


def bare(parser: Parser, count: int, side_by_side: int) -> None:
    """The engine alone on one ready input."""
    size = parser.card.input.size
    tensor = parser.card.input.normalise(np.full((*size, 3), 127, np.uint8))
    with ThreadPoolExecutor(side_by_side) as pool:
        list(pool.map(lambda _: parser._engine.run({"image": tensor}), range(count)))


def rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bisenet", type=Path, required=True, help="zllrunning's 79999_iter.pth")
    options.add_argument("--pictures", type=int, default=90)
    options.add_argument("--side", type=int, default=1024)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    work = Path(tempfile.mkdtemp(prefix="faceparse-benchmark-"))
    source, output = work / "in", work / "out"
    source.mkdir()
    make_pictures(source, chosen.pictures, chosen.side)
    bisenet = work / "bisenet.onnx"
    export_onnx(load("bisenet-zllrunning", chosen.bisenet), card("bisenet-resnet18-zllrunning"), bisenet)
    full = work / "full.onnx"
    export_full_size(chosen.bisenet, full)
    models = {"79999": str(bisenet), "default": "default"}
    n = chosen.pictures
    tasks: dict[str, Callable[[], object]] = {}
    for name, model in models.items():
        many, single = Parser(model), Parser(model, threads=1)
        tasks[f"{name} bare, one run on {CORES} threads"] = lambda p=many: bare(p, n, 1)
        tasks[f"{name} bare, {CORES} runs of one thread"] = lambda p=single: bare(p, n, CORES)
        tasks[f"{name} folder"] = lambda p=single, d=output / name: folder(p, source, d)
    tasks["79999 reference loop"] = lambda: reference_loop(full, source, output / "reference")
    best = dict.fromkeys(tasks, 0.0)
    for _ in range(chosen.rounds):
        for name, task in tasks.items():
            best[name] = max(best[name], rate(n, task))
    ratios = {}
    for name in models:
        fastest = max(v for k, v in best.items() if k.startswith(f"{name} bare"))
        ratios[f"{name} folder / its bare network"] = best[f"{name} folder"] / fastest
    ratios["79999 folder / reference loop"] = best["79999 folder"] / best["79999 reference loop"]
    ratios["default folder / reference loop"] = best["default folder"] / best["79999 reference loop"]
    ones = {m: max(v for k, v in best.items() if k.startswith(f"{m} bare")) for m in models}
    ratios["default network time / 79999 network time"] = ones["79999"] / ones["default"]
    print(f"{n} JPEGs of {chosen.side}², {CORES} cores, best of {chosen.rounds} rounds")
    for name, value in best.items():
        print(f"{name:42} {value:7.2f} pictures/s")
    for name, value in ratios.items():
        print(f"{name:42} {value:7.2f}")
    if chosen.json:
        about = {"faceparse": faceparse.__version__, "machine": platform.machine(), "cores": CORES}
        figures = {"about": about, "pictures_per_second": best, "ratios": ratios}
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
