"""SegFace on the CPU: ONNX Runtime against plain PyTorch, same weights, in one run.

    python benchmarks/segface.py [--backbones mobilenet swin_base] [--size 512] [--threads 2] [--rounds 5]

For each backbone, with random weights and biases (of zero biases Swin's masked windows make denormal numbers, which are
slow), prints milliseconds a picture, best and median of the rounds. Rounds take turns, and ratios are medians of each
round's, so that a noisy machine disturbs all alike:

- plain: PyTorch eager in the published order: torchvision's own backbone, every map to the finest size before fusing,
  position code per cell, keys and values projected per cell, transposed convolutions;
- eager: PyTorch eager with faceparse's network;
- onnx: ONNX Runtime with the file that `faceparse export` makes;
- int8: likewise with `--precision int8`, if that keeps the labels (it says so where it does not).

The picture is a drawn one. Agreement with random weights is no measure of trained ones, whose classes lie further apart.

CPU seconds are printed beside wall time: on a busy machine they say more. Agreement is the share of pixels with the
plain run's label, and the largest difference of any logit in standard deviations. Needs the export extra.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import faceparse
from faceparse import models
from faceparse.engines import open_engine
from faceparse.errors import WeightsError
from faceparse.export import export_onnx
from faceparse.export.parity import trial_inputs, trial_pictures
from faceparse.models.segface import SegFace
from faceparse.weights import Card, Licence, Preprocessing, Source

HEADS = 8


class Plain(nn.Module):
    """A SegFace network's weights, run step by step as published."""

    def __init__(self, network: SegFace) -> None:
        super().__init__()
        self.net: Any = network
        kind = network.trunk.kind
        classifier = kind.make(weights=None)
        layers = [getattr(classifier, name) for name in kind.layers] or list(classifier.features)
        self.trunk = nn.ModuleList(layers)
        self.trunk.load_state_dict(network.trunk.state_dict())

    def maps(self, image: Tensor) -> list[Tensor]:
        """The backbone's, channels last."""
        found, kind, x = [], self.net.trunk.kind, image
        for position, layer in enumerate(self.trunk):
            x = layer(x)
            if position in kind.taps:
                found.append(x if kind.channels_last else x.permute(0, 2, 3, 1))
        return found

    def forward(self, image: Tensor) -> Tensor:
        net, decoder = self.net, self.net.decoder
        maps = [layer(x).permute(0, 3, 1, 2) for x, layer in zip(self.maps(image), net.adapt, strict=True)]
        size = maps[0].shape[2:]
        maps = [F.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in maps]
        fused = net.fuse(torch.cat(maps[::-1], 1))
        batch, width, height, across = fused.shape
        places = self.places(height, across).flatten(1).T[None]
        cells = fused.flatten(2).transpose(1, 2)
        start = torch.cat([t.weight for t in decoder.tokens])[None].expand(batch, -1, -1)
        tokens = start
        for index, block in enumerate(decoder.blocks):
            if index:
                tokens = tokens + self.attend(block.among, tokens + start, tokens + start, tokens)
            else:
                tokens = self.attend(block.among, tokens, tokens, tokens)
            tokens = block.norm_among(tokens)
            tokens = block.norm_look(tokens + self.attend(block.look, tokens + start, cells + places, cells))
            tokens = block.norm_mlp(tokens + block.narrow(F.relu(block.widen(tokens))))
            cells = block.norm_tell(cells + self.attend(block.tell, cells + places, tokens + start, tokens))
        tokens = decoder.norm_last(
            tokens + self.attend(decoder.last_look, tokens + start, cells + places, cells)
        )
        first, second = decoder.upscale
        large = first(cells.transpose(1, 2).reshape(batch, width, height, across))
        norm = decoder.norm_upscale
        mean = large.mean(1, keepdim=True)
        spread = (large - mean).pow(2).mean(1, keepdim=True)
        large = (large - mean) / torch.sqrt(spread + norm.eps)
        large = F.gelu(large * norm.weight[:, None, None] + norm.bias[:, None, None])
        large = F.gelu(second(large))
        a, b, c = decoder.classify
        weights = c(F.relu(b(F.relu(a(tokens)))))
        return (weights @ large.flatten(2)).unflatten(2, large.shape[2:])

    def places(self, height: int, width: int) -> Tensor:
        matrix = self.net.decoder.frequencies
        y = (torch.ones(height, width).cumsum(0) - 0.5) / height
        x = (torch.ones(height, width).cumsum(1) - 0.5) / width
        angles = 2 * math.pi * ((2 * torch.stack([x, y], -1) - 1) @ matrix)
        return torch.cat([angles.sin(), angles.cos()], -1).permute(2, 0, 1)

    @staticmethod
    def attend(layer: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        q, k, v = (
            f(x).unflatten(2, (HEADS, -1)).transpose(1, 2)
            for f, x in ((layer.query, query), (layer.key, key), (layer.value, value))
        )
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(-1)
        return layer.out((weights @ v).transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def drawn(name: str) -> models.Network:
    """A network with random weights and biases."""
    torch.manual_seed(0)
    network = models.build(name).eval()
    for key, parameter in network.named_parameters():
        if key.endswith("bias"):
            nn.init.normal_(parameter, std=0.02)
    return network


def card_of(name: str, network: models.Network, size: int) -> Card:
    return Card(
        id=f"{name}-random",
        title="Random weights",
        network=name,
        scheme=models.network(name).scheme,
        input=Preprocessing((size, size), warp="lapa" if network.needs_landmarks else ""),
        output=network.grid,
        source=Source("none"),
        licence=Licence("none", "none"),
        training="none",
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU milliseconds, once the threads of what ran before have stopped waiting for more."""
    time.sleep(0.3)
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)


def compare(backbone: str, size: int, threads: int, rounds: int) -> dict[str, Any]:
    name = f"segface-celeb-{backbone}"
    network = drawn(name)
    assert isinstance(network, SegFace)
    plain = Plain(network).eval()
    with tempfile.TemporaryDirectory(prefix="faceparse-benchmark-") as folder:
        path, small = Path(folder) / "model.onnx", Path(folder) / "int8.onnx"
        card = card_of(name, network, size)
        export_onnx(network, card, path)
        engines = {"onnx": open_engine(path, threads=threads)}
        try:
            export_onnx(path, card, small, precision="int8", calibration=trial_pictures(card))
            engines["int8"] = open_engine(small, threads=threads)
        except WeightsError as error:
            print(f"{name} int8: {error}")
    image = trial_inputs(card, any_size=False)[0]
    tensor = torch.from_numpy(image)
    runs: dict[str, Callable[[], Any]] = {
        "plain": lambda: plain(tensor),
        "eager": lambda: network.grid_logits(tensor),
    }
    for kind, engine in engines.items():
        runs[kind] = lambda engine=engine: torch.from_numpy(engine.run({"image": image})["logits"])  # type: ignore[misc]
    took: dict[str, list[tuple[float, float]]] = {run: [] for run in runs}
    with torch.inference_mode():
        logits = {run: work() for run, work in runs.items()}  # also the warm-up
        for _ in range(rounds):
            for run, work in runs.items():
                took[run].append(timed(work))
    wanted = logits["plain"]
    agreement = {
        run: {
            "equal": float((found.argmax(1) == wanted.argmax(1)).float().mean()),
            "difference": float((found - wanted).abs().max() / wanted.std()),
        }
        for run, found in logits.items()
        if run != "plain"
    }
    return {"ms": took, "agreement": agreement}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backbones", nargs="+", default=["mobilenet", "swin_base"])
    options.add_argument("--size", type=int, default=512)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    figures: dict[str, Any] = {}
    print(f"{chosen.size}², {chosen.threads} threads, {chosen.rounds} rounds: best and median")
    for backbone in chosen.backbones:
        found = figures[backbone] = compare(backbone, chosen.size, chosen.threads, chosen.rounds)
        plain = found["ms"]["plain"]
        for run, took in found["ms"].items():
            wall, cpu = (sorted(column) for column in zip(*took, strict=True))
            line = f"segface-celeb-{backbone:10} {run:6} {wall[0]:6.0f} {median(wall):6.0f} ms, {median(cpu):6.0f} of CPU"
            if run != "plain":
                ratios = [p[0] / t[0] for p, t in zip(plain, took, strict=True)]
                cpu_ratios = [p[1] / t[1] for p, t in zip(plain, took, strict=True)]
                near = found["agreement"][run]
                line += f"  {median(ratios):5.2f} × plain ({median(cpu_ratios):5.2f} by CPU)"
                line += f"  {100 * near['equal']:.3f} % equal, {near['difference']:.0e} std"
            print(line, flush=True)
    if chosen.json:
        about = {
            "faceparse": faceparse.__version__, "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__, "machine": platform.machine(), "threads": chosen.threads,
        }  # fmt: skip
        chosen.json.write_text(json.dumps({"about": about, "backbones": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
