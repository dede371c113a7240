"""Damage pictures of every kind at random and read them: each must be read or refused in one line.

    python benchmarks/fuzz.py --count 20000 --seed 1

A picture is damaged the same way whenever seed, number and the list of kinds are the same. Reading happens in a process of its own, so
that a crash or a hang is seen, its picture named and the rest still read. Counted as wrong: any other error than
`ImageError`, one of several lines, a Python warning, anything on standard error (but libtiff's words on damaged
TIFF), more than `--seconds` of processor time for one picture, more than `--memory` MB in all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

LIBTIFF = re.compile(
    r"^(\w*(Decode\w*|O?JPEG\w*|Fax\w*|LZW\w*|ZIP\w*|TIFF\w*)|tempfile\.tif|Old-style\w*"
    r"|MissingRequired|EstimateStripByteCounts|More samples per pixel).*: "
)
BIG = (b"\xff\xff", b"\x7f\xff", b"\xff\x7f", b"\x00\x00", b"\x80\x00", b"\x00\x01", b"\x3f\xff")


def mutant(seed: int, number: int, pictures: dict[str, bytes]) -> tuple[str, bytes]:
    """The name of a kind, and a picture of it, damaged."""
    chance = random.Random(f"{seed} {number}")
    names = sorted(pictures)
    name = names[number % len(names)]
    data = bytearray(pictures[name])
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        chance.choice(DAMAGES)(chance, data, pictures)
        if not data:
            break
    return name, (mended if chance.random() < 0.7 else bytes)(data)


def mended(data: bytearray) -> bytes:
    """A PNG with right checksums again, lest all damage ends there; anything else as it is."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return bytes(data)
    at = 8
    while at + 12 <= len(data):
        stop = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if stop + 4 > len(data):
            break
        data[stop : stop + 4] = zlib.crc32(data[at + 4 : stop]).to_bytes(4, "big")
        at = stop + 4
    return bytes(data)


def flip_bits(chance: random.Random, data: bytearray, _: object) -> None:
    for _i in range(chance.choice((1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def damage_header(chance: random.Random, data: bytearray, _: object) -> None:
    for _i in range(chance.choice((1, 2, 4))):
        data[chance.randrange(min(len(data), 160))] = chance.choice(
            (0, 1, 2, 127, 128, 255, chance.randrange(256))
        )


def damage_tail(chance: random.Random, data: bytearray, _: object) -> None:
    """TIFF directories are often there."""
    for _i in range(chance.choice((1, 2, 4))):
        data[-1 - chance.randrange(min(len(data), 200))] = chance.choice(
            (0, 1, 2, 127, 255, chance.randrange(256))
        )


def put_extremes(chance: random.Random, data: bytearray, _: object) -> None:
    at = chance.randrange(min(len(data), chance.choice((64, 1 << 30))))
    value = chance.choice(BIG) * chance.choice((1, 2))
    data[at : at + len(value)] = value


def cut_end(chance: random.Random, data: bytearray, _: object) -> None:
    del data[chance.randrange(len(data)) :]


def cut_out(chance: random.Random, data: bytearray, _: object) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 2, 4, 100))]


def double(chance: random.Random, data: bytearray, _: object) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.choice((1, 4, 12, 400))]


def zeros(chance: random.Random, data: bytearray, _: object) -> None:
    at = chance.randrange(len(data))
    data[at : at + 256] = bytes(len(data[at : at + 256]))


def foreign_header(chance: random.Random, data: bytearray, pictures: dict[str, bytes]) -> None:
    other = pictures[chance.choice(sorted(pictures))]
    size = chance.choice((4, 12, 32, 100))
    data[:size] = other[:size]


def foreign_middle(chance: random.Random, data: bytearray, pictures: dict[str, bytes]) -> None:
    other = pictures[chance.choice(sorted(pictures))]
    at, size = chance.randrange(len(data)), chance.choice((8, 64, 512))
    start = chance.randrange(len(other))
    data[at : at + size] = other[start : start + size]


DAMAGES = (
    flip_bits,
    flip_bits,
    damage_header,
    damage_header,
    damage_tail,
    put_extremes,
    put_extremes,
    cut_end,
    cut_out,
    double,
    zeros,
    foreign_header,
    foreign_middle,
)


def pictures_of(kinds: str) -> dict[str, bytes]:
    """Whole pictures of the kinds whose names begin so, as far as their decoders are here."""
    from tests.pictures.kinds import KINDS, decodes

    return {k.name: k.make() for k in KINDS if k.name.startswith(kinds) and decodes(k.needs)}


def read_them(options: argparse.Namespace) -> None:
    """The reading process: a line of JSON on standard output before and after each picture."""
    from faceparse.errors import ImageError
    from faceparse.pictures import read_picture

    found: list[str] = []
    warnings.simplefilter("always")
    warnings.showwarning = lambda *args, **_: found.append(f"{args[1].__name__}: {args[0]}")
    pictures = pictures_of(options.kinds)
    for number in range(options.start, options.count):
        name, data = mutant(options.seed, number, pictures)
        print(json.dumps([number, name]), flush=True)
        begun = time.process_time()
        try:
            image = read_picture(data)
            answer, wrong = "read", "" if image.shape[2] == 3 else f"shape {image.shape}"
        except ImageError as error:
            answer, wrong = "refused", "several lines" if "\n" in str(error) else ""
        except Exception as error:
            answer, wrong = "raised", f"{type(error).__name__}: {error}"
        seconds = time.process_time() - begun
        wrong = wrong or "; ".join(found)
        found.clear()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps([number, answer, wrong, seconds, peak]), flush=True)


def main() -> int:
    options = arguments()
    if options.read:
        read_them(options)
        return 0
    counts: Counter[str] = Counter()
    wrong: list[tuple[int, str, str]] = []
    slowest, peak, start = (0.0, 0, ""), 0, 0
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+", errors="replace") as noise:
        while start < options.count:
            last, results = run(options, start, noise)
            for number, name, answer, fault, seconds, memory in results:
                counts[answer] += 1
                slowest, peak = max(slowest, (seconds, number, name)), max(peak, memory)
                if fault or seconds > options.seconds:
                    wrong.append((number, name, fault or f"{seconds:.1f} s"))
            if last is not None:
                counts["crashed or hung"] += 1
                wrong.append(last)
            start = (last[0] if last else options.count) + 1
        noise.seek(0)
        lines = noise.read().splitlines()
    libtiff = [line for line in lines if LIBTIFF.match(line)]
    other = [line for line in lines if not LIBTIFF.match(line)]
    print(f"{options.count} pictures, seed {options.seed}, {time.perf_counter() - begun:.1f} s")
    print(", ".join(f"{n} {answer}" for answer, n in sorted(counts.items())))
    print(f"slowest {slowest[0] * 1000:.0f} ms of processor time: number {slowest[1]}, {slowest[2]}")
    print(f"peak memory {peak} MB; {len(libtiff)} lines of libtiff on standard error, {len(other)} others")
    for number, name, fault in wrong[:50]:
        print(f"WRONG number {number}, {name}: {fault}")
    for line in other[:20]:
        print(f"WRONG on standard error: {line}")
    if peak > options.memory:
        print(f"WRONG: more than {options.memory} MB")
    if options.keep:
        keep(options, [number for number, *_ in wrong] + [slowest[1]])
    return int(bool(wrong or other or peak > options.memory))


def run(options: argparse.Namespace, start: int, noise: Any) -> tuple[tuple[int, str, str] | None, list[Any]]:
    """Read from a number on; the picture at which reading crashed or hung, and the results before it."""
    command = [sys.executable, __file__, "--read", "--start", str(start), "--count", str(options.count)]
    command += ["--seed", str(options.seed), "--kinds", options.kinds, "--seconds", str(options.seconds)]
    # Ended by the kernel when a picture takes far too much: the limit grows with what is left to do.
    limit = int(options.seconds * 4 + (options.count - start) * 0.2 + 30)
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=noise,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout
    now: tuple[int, str] | None = None
    results = []
    for line in child.stdout:
        number, *rest = json.loads(line)
        if len(rest) == 1:
            now = number, rest[0]
        else:
            results.append((number, now[1] if now else "", *rest))
            now = None
    code = child.wait()
    return (None if now is None and not code else (*(now or (start, "start")), f"exit code {code}")), results


def keep(options: argparse.Namespace, numbers: list[int]) -> None:
    pictures = pictures_of(options.kinds)
    options.keep.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        name, data = mutant(options.seed, number, pictures)
        (options.keep / f"{options.seed}-{number}-{re.sub('[^A-Za-z0-9]+', '-', name)}").write_bytes(data)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="", help="only those whose names begin so, such as 'TIFF'")
    parser.add_argument("--seconds", type=float, default=10, help="processor time that a picture may take")
    parser.add_argument("--memory", type=int, default=1500, help="MB that reading may take at its peak")
    parser.add_argument("--keep", type=Path, help="folder for the pictures that went wrong, and the slowest")
    parser.add_argument("--start", type=int, default=0, help="number to begin with")
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
