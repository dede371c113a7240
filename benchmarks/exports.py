"""Every network as ONNX at its full size: does the file give what the network gives?

    python benchmarks/exports.py [--networks segface-celeb-swin_base …] [--precision int8]

Random weights and biases, each network in a process of its own; large ones take minutes and gigabytes. Prints labels in
agreement and the largest difference of a logit, over pictures one and two at a time, then the file's size, seconds and
peak memory. Exits with 1 where a file differs. The test suite does the same with small networks and a few full ones.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from segface import card_of, drawn

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.export import export_onnx
from faceparse.export.parity import trial_pictures


def one(name: str, side: int, precision: str) -> None:
    network = drawn(name)
    card = card_of(name, network, side)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="faceparse-benchmark-") as folder:
        pictures = trial_pictures(card) if precision == "int8" else []
        done = export_onnx(
            network, card, Path(folder) / "model.onnx", precision=precision, calibration=pictures
        )
    took, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{name:32} {done.parity}, {done.size / 1e6:.0f} MB, {took:.0f} s, peak {peak:.1f} GB", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--networks", nargs="+", default=sorted(models.networks()))
    options.add_argument("--side", type=int, default=512, help="of the input")
    options.add_argument("--precision", default="fp32")
    options.add_argument("--only", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.only:
        try:
            one(chosen.only, chosen.side, chosen.precision)
        except FaceparseError as error:
            sys.exit(f"{chosen.only:32} {error}")
        return
    command = [
        sys.executable,
        __file__,
        "--side",
        str(chosen.side),
        "--precision",
        chosen.precision,
        "--only",
    ]
    sys.exit(max(subprocess.run([*command, name]).returncode for name in chosen.networks))


if __name__ == "__main__":
    main()
