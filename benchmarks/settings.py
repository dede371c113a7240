"""ONNX Runtime's settings side by side on one network: what is worth setting, in CPU time of one thread.

    python benchmarks/settings.py [--model default] [--rounds 12]

CPU time, unlike time on the clock, is hardly touched by what else the machine does. Rounds take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from faceparse.export.graph import name_dimensions
from faceparse.weights.modelfile import find_model

Change = Callable[[Any], None]


def session(model: bytes, change: Change | None = None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if change is not None:
        change(options)
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])


def entry(key: str) -> Change:
    return lambda options: options.add_session_config_entry(key, "1")


def attribute(name: str, value: Any) -> Change:
    return lambda options: setattr(options, name, value)


LEVELS = onnxruntime.GraphOptimizationLevel
CHANGES = {
    "as faceparse runs it": None,
    "without the blocked layout (NCHWc)": attribute("graph_optimization_level", LEVELS.ORT_ENABLE_EXTENDED),
    "without any optimisation": attribute("graph_optimization_level", LEVELS.ORT_DISABLE_ALL),
    "denormals flushed to zero": entry("session.set_denormal_as_zero"),
    "without memory patterns": attribute("enable_mem_pattern", False),
    "without the memory arena": attribute("enable_cpu_mem_arena", False),
}


def measure(path: Path, size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Least CPU milliseconds of a run by setting."""
    sessions = {name: session(path.read_bytes(), change) for name, change in CHANGES.items()}
    fixed = onnx.load(path)
    name_dimensions(fixed.graph.input[0], (1, 3, *size))
    sessions["sizes fixed in the graph"] = session(fixed.SerializeToString())
    image = np.random.default_rng(0).standard_normal((1, 3, *size), np.float32)
    best = dict.fromkeys(sessions, float("inf"))
    for _ in range(rounds + 1):
        for name, one in sessions.items():
            began = time.thread_time()
            one.run(None, {one.get_inputs()[0].name: image})
            best[name] = min(best[name], 1e3 * (time.thread_time() - began))
    return best


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", default="default")
    options.add_argument("--rounds", type=int, default=12)
    chosen = options.parse_args()
    path, card = find_model(chosen.model)
    best = measure(path, card.input.size, chosen.rounds)
    base = next(iter(best.values()))
    print(f"| {path.stem}, {card.input.size[0]} × {card.input.size[1]} | CPU ms | speed |\n|---|---|---|")
    for name, milliseconds in best.items():
        print(f"| {name} | {milliseconds:.1f} | {base / milliseconds:.2f} |")


if __name__ == "__main__":
    main()
