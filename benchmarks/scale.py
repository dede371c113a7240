"""What Ray costs: `faceparse scale` against `faceparse parse` on the same pictures, and memory over many rows.

    python benchmarks/scale.py [--pictures 64] [--side 1024] [--rounds 2] [--rows 100000]

Prints pictures a second of both, with one process of one or two threads and with two, the best of the rounds, which take
turns; the start of Ray and of the processes, CPU time and the table's size; and then the memory of all processes
together after each tenth of small rows, with a network that costs nothing.

Speeds leave out the start: that of `parse` begins when the model is loaded, that of `scale` with its first rows.
Needs the extras serve (psutil) and scale.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image

from faceparse.cli.process import tune_process
from faceparse.engines import FakeEngine
from faceparse.folder import Run as FolderRun
from faceparse.folder import find_jobs
from faceparse.parser import Parser
from faceparse.scale import Parse, Run, Workers
from faceparse.weights import card
from faceparse.writers import WRITERS, writers
from pictures import make_pictures

BATCH = 4
"""Pictures that a process takes at a time: few, so that the first rows come early."""

SCALES = {
    "1 process, 1 thread": Workers(actors=1, threads=1, batch=BATCH),
    "1 process, 2 threads": Workers(actors=1, threads=2, batch=BATCH),
    "2 processes, 1 thread": Workers(actors=2, threads=1, batch=BATCH),
}


class Speed(NamedTuple):
    """One run: pictures a second, CPU seconds a picture, seconds until Ray and the first rows were there, bytes a picture."""

    rate: float
    cpu: float
    ray: float = 0
    first: float = 0
    size: float = 0


def processes() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def cpu_seconds() -> float:
    """CPU time of this process and all processes that it started."""
    total = 0.0
    for process in processes():
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def memory() -> tuple[float, float]:
    """Memory of this process and of all together, MB; memory that several share is divided among them."""
    sizes = []
    for process in processes():
        try:
            sizes.append(process.memory_full_info().pss / 1e6)
        except psutil.NoSuchProcess:
            continue
    return sizes[0], sum(sizes)


def parse_folder(source: Path, output: Path, jobs: int) -> Speed:
    """`faceparse parse SOURCE --save rle --jobs N`, less the progress bar."""
    parser, forms = Parser(threads=1), writers(["rle"])
    found = find_jobs([source], output, [ending for form in WRITERS.values() for ending in form.endings])
    run = FolderRun(found, parser.parse, forms, output, workers=jobs, overwrite=True)
    cpu, began = cpu_seconds(), time.perf_counter()
    count = sum(outcome.status == "written" for outcome in run)
    return Speed(count / (time.perf_counter() - began), (cpu_seconds() - cpu) / count)


def scale_folder(source: Path, output: Path, workers: Workers) -> Speed:
    """`faceparse scale SOURCE`, less the progress bar."""
    parse = Parse(jobs=workers.threads)
    run = Run(str(source), str(output), parse, workers=workers, overwrite=True, prepare=tune_process)
    first, done, began, cpu = 0, 0, 0.0, 0.0
    for done in run:
        if not first:
            first, began, cpu, start = done, time.perf_counter(), cpu_seconds(), run.seconds
        spent, ended = cpu_seconds() - cpu, time.perf_counter()
    assert not run.summary.counts["failed"], run.summary.reasons("failed")
    timed = done - first
    return Speed(timed / (ended - began), spent / timed, run.start_seconds, start, run.bytes / done)


def speeds(count: int, side: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        source.mkdir()
        make_pictures(source, count, side)
        best: dict[str, Speed] = {}
        for _ in range(rounds):
            for jobs in (1, 2):
                speed = parse_folder(source, Path(folder, "parse"), jobs)
                name = f"parse --save rle --jobs {jobs}"
                best[name] = max(speed, best.get(name, speed))
            for name, workers in SCALES.items():
                speed = scale_folder(source, Path(folder, "scale"), workers)
                best[f"scale, {name}"] = max(speed, best.get(f"scale, {name}", speed))
    base = best["parse --save rle --jobs 2"].rate
    print(f"{count} pictures of {side} × {side}, the best of {rounds} rounds\n")
    print(
        "| command | pictures a second | of parse with 2 jobs | CPU hours a million | Ray's start | first rows after it |"
    )
    print("|---|---|---|---|---|---|")
    for name, speed in best.items():
        start = f"{speed.ray:.1f} s | {speed.first:.1f} s" if speed.ray else "|"
        print(
            f"| {name} | {speed.rate:.2f} | {speed.rate / base:.2f} | {speed.cpu * 1e6 / 3600:.0f} | {start} |"
        )
    size = best["scale, 2 processes, 1 thread"].size
    print(f"\nCPU hours are extrapolated from {count} pictures. Parquet: {size:.0f} bytes a picture\n")


def rows(count: int) -> None:
    """Memory while a Parquet file of small pictures becomes a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        source, coded = Path(folder, "source.parquet"), io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)).save(coded, "PNG")
        with pq.ParquetWriter(source, pa.schema({"bytes": pa.binary()})) as file:
            for _ in range(0, count, 1000):
                file.write_table(pa.table({"bytes": [coded.getvalue()] * 1000}))
        engine = FakeEngine(card("bisenet-resnet18-zllrunning"))
        parse = Parse(engine, faces="whole", input_size=32)
        workers = Workers(actors=2, batch=250)
        run = Run(str(source), str(Path(folder, "out")), parse, workers=workers, prepare=tune_process)
        print(f"{count} small rows, 2 processes\n\n| rows | this process | all processes |\n|---|---|---|")
        seen = []
        for done in run:
            if done >= (len(seen) + 1) * count // 10:
                seen.append(memory())
                print(f"| {done} | {seen[-1][0]:.0f} MB | {seen[-1][1]:.0f} MB |", flush=True)
        assert run.summary.counts == {"written": count}, run.summary
        growth = [last - early for last, early in zip(seen[-1], seen[1], strict=True)]
        print(
            f"\nfrom a fifth to the end: {growth[0]:+.0f} MB and {growth[1]:+.0f} MB; {count / run.seconds:.0f} rows a second"
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=100_000, help="a multiple of 1000; 0: none")
    chosen = parser.parse_args(arguments)
    tune_process()
    if chosen.pictures:
        speeds(chosen.pictures, chosen.side, chosen.rounds)
    if chosen.rows:
        rows(chosen.rows)


if __name__ == "__main__":
    main()
