"""Damage inputs of every kind at random and read them: each must be read or refused in one line.

    python -m tests.fuzz --count 20000 --seed 1
    python -m tests.fuzz --target pictures --only TIFF --start 17 --count 18      # one of them again

An input is damaged the same way whenever target, seed and number are the same. Each target reads in one process of its
own, so that a crash or a hang is seen, its input named and the rest still read. Counted as wrong: any other
error than a `FaceparseError`, one of several lines, a Python warning, a line on standard error, more calls of functions or
more decoded bytes than the target allows, and more than 60 s. Time and memory are printed.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TextIO

from faceparse.errors import FaceparseError
from tests.fuzz.target import TARGETS, Target, target

ROOT = Path(__file__).parents[2]
HANG = 60
"""Seconds after which reading one input is ended."""
_SHARES = {"pictures": 6, "cards": 3, "schemes": 3, "models": 3, "manifests": 1, "recipes": 1}
"""Inputs of a target among those of all, where it is not 2: fewer where each takes long."""
_MEMORY = 4 << 30
"""Bytes that a process may allocate: more is an error in it, and the machine's other work goes on."""


class Result(NamedTuple):
    """What became of one input; the reading process prints it as a line of JSON."""

    number: int
    name: str
    answer: str = "crashed or hung"
    wrong: str = "crashed or hung"
    calls: int = 0
    size: int = 0
    seconds: float = 0
    memory: int = 0


def read_all(options: argparse.Namespace, folder: Path) -> None:
    """The reading process: one line before each input, its result after."""
    import resource

    out = os.dup(1)  # what a library prints does not come between
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    reader = target(options.target, folder)
    names = [name for name in sorted(reader.inputs) if name.startswith(options.only)]
    os.write(out, json.dumps(reader.noise).encode() + b"\n")
    warnings.simplefilter("error")
    for number in range(options.start, options.count):
        name = names[number % len(names)]
        data = reader.mutant(random.Random(f"{options.seed} {number}"), name)
        if options.keep:
            (options.keep / f"last-{options.target}").write_bytes(data)  # of a crash
        os.write(out, json.dumps([number, name]).encode() + b"\n")
        faulthandler.dump_traceback_later(HANG, exit=True)
        answer, wrong, calls, seconds = _read(reader, name, data)
        faulthandler.cancel_dump_traceback_later()
        if options.keep and wrong:
            kept = re.sub("[^A-Za-z0-9.]+", "-", f"{options.target}-{options.seed}-{number}-{name}")
            (options.keep / kept).write_bytes(data)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        result = Result(number, name, answer, wrong, calls, reader.size, seconds, memory)
        os.write(out, json.dumps(result).encode() + b"\n")


def _read(reader: Target, name: str, data: bytes) -> tuple[str, str, int, float]:
    """Answer, fault, calls and seconds of one input."""
    calls = reader.size = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    begun = time.perf_counter()
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        reader.read(name, data)
        answer, wrong = "read", ""
    except FaceparseError as error:
        answer, wrong = "refused", "a message of several lines" if "\n" in str(error) else ""
        if len(str(error)) > 2000:
            wrong = f"a message of {len(str(error))} characters"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        answer = "raised"
        wrong = (
            f"{type(error).__name__}: {error}"[:300]
            + f" ({Path(place.filename).name}:{place.lineno} {place.line})"
        )
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    if not wrong and calls > (most := reader.allowed_calls(data)):
        wrong = f"{calls} calls; at most {most} for {len(data)} bytes"
    if not wrong and reader.size > (most := reader.most_bytes + reader.bytes_a_byte * len(data)):
        wrong = f"{reader.size} bytes of {len(data)}; at most {most}"
    return answer, wrong, calls, time.perf_counter() - begun


def run(options: argparse.Namespace, noise: TextIO) -> tuple[list[Result], str]:
    """The results of one target, and what lines on standard error are like that cannot be prevented.

    A process that ends early is followed by another.
    """
    results, expected = [], "$"
    start = options.start
    while start < options.count:
        command = [sys.executable, "-m", "tests.fuzz", "--read", "--target", options.target]
        command += ["--seed", options.seed, "--only", options.only]
        command += ["--start", str(start), "--count", str(options.count)]
        command += ["--keep", str(options.keep.resolve())] if options.keep else []
        path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        number, name = start, "start"
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=noise, env=environment
        ) as process:
            assert process.stdout
            expected = json.loads(process.stdout.readline() or '"$"')
            for line in process.stdout:
                number, name, *rest = json.loads(line)
                if rest:
                    results.append(Result(number, name, *rest))
        if process.returncode:
            fault = f"crashed or hung: exit code {process.returncode}"
            results.append(Result(number, name, wrong=fault))
        start = (
            options.count if name == "start" else number + 1
        )  # which another process would not start either
    return results, expected


def report(options: argparse.Namespace) -> int:
    """Read the inputs of one target and print what came of them; the number of those that went wrong."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+", errors="replace") as noise:
        results, expected = run(options, noise)
        noise.seek(0)
        lines = noise.read().splitlines()
    strange = [line for line in lines if not re.match(expected, line)]
    seconds = time.perf_counter() - begun
    answers = ", ".join(f"{n} {answer}" for answer, n in sorted(Counter(r.answer for r in results).items()))
    slowest = max(results, key=lambda r: r.seconds)
    print(
        f"{options.target}, seed {options.seed}: {len(results)} inputs in {seconds:.1f} s: {answers}; at most {max(r.calls for r in results)} "
        f"calls, {max(r.size for r in results) / 1e6:.1f} MB decoded; slowest {slowest.seconds:.2f} s (number "
        f"{slowest.number}, {slowest.name}), peak memory {max(r.memory for r in results)} MB"
    )
    wrong = [r for r in results if r.wrong]
    for result in wrong[:20]:
        print(f"WRONG {options.target} {result.number}, {result.name}: {result.wrong}")
    for line in strange[:20]:
        print(f"WRONG on standard error: {line}")
    sys.stdout.flush()
    return len(wrong) + len(strange)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("tests.fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="inputs, shared by the targets")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--target", choices=TARGETS, help="one target; else all")
    parser.add_argument("--only", default="", help="only whole inputs whose names begin so, such as 'TIFF'")
    parser.add_argument("--start", type=int, default=0, help="number to begin with")
    parser.add_argument("--keep", type=Path, help="folder for the inputs that went wrong, and the last ones")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    if options.read:
        with tempfile.TemporaryDirectory() as folder:
            read_all(options, Path(folder).resolve())
        return 0
    names = [options.target] if options.target else sorted(TARGETS, key=lambda name: _SHARES.get(name, 2))
    total = sum(_SHARES.get(name, 2) for name in names)
    shares = [
        argparse.Namespace(
            **{**vars(options), "target": name, "count": -(-options.count * _SHARES.get(name, 2) // total)}
        )
        for name in names
    ]
    with ThreadPoolExecutor(options.jobs) as pool:
        return int(any(pool.map(report, shares)))


if __name__ == "__main__":
    sys.exit(main())
