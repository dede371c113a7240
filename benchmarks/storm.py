"""`faceparse serve` under load, on loopback alone: wrong answers, ill clients, memory, times, throughput.

    python benchmarks/storm.py [--short] [--part start] [--part burst] …

Prints tables in Markdown, what is wrong (exit code 1), and which targets of time are missed. Clients send different pictures, and
each mask is compared with the bytes that `faceparse parse --save mask` writes for its picture. Parts:

- start: seconds from the start to ready, memory of a worker;
- burst: uploads at the same time, 500 and 1,500 (more than a process serves) with the tiny network of the tests, 300 with the
  default model;
- row: 10,000 uploads in a row, over four connections, with the tiny network; memory from beginning to end;
- bombs, cuts, slow, kills: decompression bombs, cut connections, clients of a byte a second, a worker killed with -9, each beside 8
  clients that do nothing wrong;
- latency: seconds of a request with 1, 8 and 64 clients, default model;
- throughput: masks a second beside those of `faceparse parse`, default model, the same pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from itertools import cycle, islice, takewhile
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psutil
from PIL import Image

from pictures import make_pictures

TINY = Path(__file__).parents[1] / "tests" / "engines" / "tiny.onnx"
MIB = 1 << 20
CORES = len(os.sched_getaffinity(0))
SMALL = 60, 128, str(TINY)
"""The pictures of most parts: number, side, network."""
OTHERS = "right", "503"
"""Answers that clients may get beside those that do something wrong."""
PATIENCE = 150.0
"""Seconds after which a client gives up, which counts as a wrong answer."""


class Task(NamedTuple):
    """A picture, and the mask that the command line writes for it."""

    picture: bytes
    mask: bytes


class Answer(NamedTuple):
    """What a client got for its task; `status` 0: the connection ended."""

    task: Task
    status: int
    content: bytes
    seconds: float
    port: int

    @property
    def kind(self) -> str:
        if self.status == 200:
            return "right" if self.content == self.task.mask else "wrong"
        return {0: "cut", 503: "503"}.get(self.status, f"wrong: {self.status}")


class Client:
    """A connection to the server, which is kept for the next request."""

    def __init__(self, port: int) -> None:
        self._port, self.own_port = port, 0
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, task: Task) -> Answer:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                status, content = await self._exchange(task.picture)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            status, content = 0, b""
        return Answer(task, status, content, time.perf_counter() - began, self.own_port)

    async def _exchange(self, picture: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self.own_port = self._writer.get_extra_info("sockname")[1]
        self._writer.write(head(len(picture)) + picture)
        about = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: (\d+)", about)
        content = await self._reader.readexactly(int(length[1]) if length else 0)
        if b"connection: close" in about:
            self.close()
        return int(about[9:12]), content

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._writer = None


def head(length: int) -> bytes:
    """Return the header of a request with a body of that many bytes."""
    return b"POST /v1/parse HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length


class Server:
    """A running `faceparse serve`.

    Attributes:
        port: Its port.
        seconds: From its start to ready.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        began = time.perf_counter()
        assert process.stdout
        line = process.stdout.readline()
        self.seconds = time.perf_counter() - began
        address = re.match(r"http://127\.0\.0\.1:(\d+)", line)
        if not address:
            raise SystemExit("faceparse serve did not start")
        self.port, self._process = int(address[1]), psutil.Process(process.pid)

    def workers(self) -> list[psutil.Process]:
        workers = []
        for child in self._process.children():
            with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # one was killed a moment ago
                if "spawn_main" in " ".join(child.cmdline()):
                    workers.append(child)
        return workers

    def memory(self) -> float:
        """Return the mean resident memory of a worker, MiB."""
        return statistics.mean(p.memory_info().rss for p in self.workers()) / MIB

    def peak(self) -> float:
        """Return the most resident memory that a worker had, MiB."""
        texts = [Path(f"/proc/{p.pid}/status").read_text() for p in self.workers()]
        return max(int(text.partition("VmHWM:")[2].split()[0]) for text in texts) / 1024

    def cpu(self) -> float:
        """Return the processor time of the workers so far, seconds."""
        return sum(sum(p.cpu_times()[:2]) for p in self.workers())


@contextmanager
def serving(*words: str) -> Iterator[Server]:
    """Run `faceparse serve` with these options on a free port; an error in its log ends the benchmark."""
    command = [sys.executable, "-m", "faceparse", "serve", "--port", "0", *words]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield Server(process)
        finally:
            process.terminate()
            process.wait(60)
            log.seek(0)
            text = log.read()
            if process.returncode or "Traceback" in text:
                sys.exit(f"the server ended with {process.returncode}:\n{text[-3000:]}")


class Reference(NamedTuple):
    """Tasks, and what the command line needed for them in seconds: its run, the whole command, processor time."""

    tasks: list[Task]
    run: float
    command: float
    cpu: float


def reference(folder: Path, model: str) -> Reference:
    """Parse the pictures of a folder with the command line."""
    with tempfile.TemporaryDirectory(prefix="faceparse-storm-") as name:
        output, began, cpu = Path(name), time.perf_counter(), children_cpu()
        command = [sys.executable, "-m", "faceparse", "parse", str(folder), "-o", name, "--model", model]
        subprocess.run([*command, "--save", "mask", "--quiet", "--log", f"{name}/log"], check=True)
        seconds, cpu = time.perf_counter() - began, children_cpu() - cpu
        summary = json.loads((output / "log").read_text().splitlines()[-1])["summary"]
        tasks = [
            Task(path.read_bytes(), (output / f"{path.stem}_mask.png").read_bytes())
            for path in sorted(folder.iterdir())
        ]
    assert len({task.mask for task in tasks}) == len(tasks)
    return Reference(tasks, summary["seconds"], seconds, cpu)


def children_cpu() -> float:
    """Return the processor time of the processes that have ended, seconds."""
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


class Pictures:
    """Pictures with their masks, each set made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._references: dict[tuple[int, int, str], Reference] = {}

    def folder(self, count: int, side: int) -> Path:
        path = self._folder / f"{count}-{side}"
        if not path.exists():
            path.mkdir()
            make_pictures(path, count, side)
        return path

    def tasks(self, count: int, side: int, model: str) -> list[Task]:
        key = count, side, model
        if key not in self._references:
            self._references[key] = reference(self.folder(count, side), model)
        return self._references[key].tasks


async def load(
    port: int, tasks: Iterable[Task], clients: int, look: Callable[[], None] = lambda: None
) -> list[Answer]:
    """Send tasks from clients that each keep a connection; call `look` after each answer."""
    waiting, answers = iter(tasks), list[Answer]()

    async def one() -> None:
        client = Client(port)
        for task in waiting:
            answers.append(await client.post(task))
            look()
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return answers


class Report:
    """Prints tables, and remembers what is wrong and which targets are missed."""

    def __init__(self) -> None:
        self.faults, self.misses = list[str](), list[str]()

    def table(self, title: str, columns: str, rows: Iterable[Iterable[object]]) -> None:
        print(f"\n### {title}\n\n{columns}\n{'|---' * (columns.count('|') - 1)}|")
        for row in rows:
            print(f"| {' | '.join(map(str, row))} |")
        sys.stdout.flush()

    def count(self, answers: list[Answer], allowed: Iterable[str], what: str) -> str:
        """Return how many answers are of each kind."""
        kinds = Counter(answer.kind for answer in answers)
        shown = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
        self.check({*kinds} <= {*allowed}, f"{what}: {shown}")
        return shown

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.faults.append(what)


def start(report: Report, pictures: Pictures, short: bool) -> None:
    rows = []
    for name, model, workers in (("tiny", TINY, 1), ("default", "default", 1), ("default", "default", 2)):
        tasks = pictures.tasks(20, 512, str(model))
        with serving("--model", str(model), "--workers", str(workers)) as server:
            idle = server.memory()
            asyncio.run(load(server.port, tasks, 4))
            rows.append([name, workers, f"{server.seconds:.2f}", f"{idle:.0f}", f"{server.memory():.0f}"])
    columns = "| model | workers | start to ready, s | a worker, MiB | after 20 pictures of 512² |"
    report.table("Start and memory", columns, rows)


def burst(report: Report, pictures: Pictures, short: bool) -> None:
    rows = []
    kinds = (("tiny", SMALL, 500), ("tiny", SMALL, 1500), ("default", (60, 512, "default"), 300))
    for name, (number, side, model), count in kinds:
        uploads = count // 10 if short else count
        tasks = pictures.tasks(number, side, model)
        for queue in (64, 600):
            with serving("--model", model, "--queue", str(queue), "--timeout", "140") as server:
                began = time.perf_counter()
                answers = asyncio.run(load(server.port, islice(cycle(tasks), uploads), uploads))
                seconds = time.perf_counter() - began
                allowed = ["right", "503"] if uploads > queue else ["right"]
                shown = report.count(answers, allowed, f"burst, {name}")
                rows.append([name, queue, f"{uploads:,}", shown, f"{seconds:.1f}", f"{server.peak():.0f}"])
    columns = "| model | `--queue` | uploads at once | answers | s | largest memory, MiB |"
    report.table("Uploads at the same time", columns, rows)


def row(report: Report, pictures: Pictures, short: bool) -> None:
    uploads = 500 if short else 10_000
    tasks = pictures.tasks(*SMALL)
    memory = list[float]()
    with serving("--model", str(TINY)) as server:
        sent = 0

        def look() -> None:
            nonlocal sent
            sent += 1
            if sent % (uploads // 10) == 0:
                memory.append(server.memory())

        began, cpu = time.perf_counter(), time.process_time()
        answers = asyncio.run(load(server.port, islice(cycle(tasks), uploads), 4, look))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    shown = report.count(answers, ["right"], "row")
    parts = [memory[0], memory[len(memory) // 2], memory[-1]]
    columns = "| answers | s | a second | client's CPU, s | MiB after a tenth | half | all |"
    cells = [shown, f"{seconds:.1f}", f"{uploads / seconds:.0f}", f"{cpu:.1f}", *(f"{m:.0f}" for m in parts)]
    report.table("In a row", columns, [cells])
    report.check(memory[-1] < 1.1 * memory[0] + 10, f"memory grew: {memory}")


def latency(report: Report, pictures: Pictures, short: bool) -> None:
    tasks, rows = pictures.tasks(60, 512, "default"), []
    with serving() as server:
        for clients, requests in ((1, 100), (8, 240), (64, 400)):
            count = max(clients, requests // 5) if short else requests
            answers = asyncio.run(load(server.port, islice(cycle(tasks), count), clients))
            shown = report.count(answers, ["right"], f"latency, {clients} clients")
            times = statistics.quantiles([answer.seconds * 1000 for answer in answers], n=20)
            rows.append([clients, shown, f"{times[9]:.0f}", f"{times[18]:.0f}"])
    report.table("Time of a request, 512²", "| clients | answers | p50, ms | p95, ms |", rows)


def throughput(report: Report, pictures: Pictures, short: bool) -> None:
    folder = pictures.folder(20 if short else 90, 1024)
    clients, rows = 4 * CORES, []
    for workers in (1, 2):
        with serving("--workers", str(workers)) as server:
            for _ in range(1 if short else 3):
                tasks, run, command, parse_cpu = reference(folder, "default")
                began, cpu, own = time.perf_counter(), time.process_time(), server.cpu()
                answers = asyncio.run(load(server.port, tasks, clients))
                seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
                report.count(answers, ["right"], "throughput")
                count, own = len(tasks), server.cpu() - own
                numbers = count / seconds, count / run, count / command, run / seconds, parse_cpu, own, cpu
                rows.append([workers, *(f"{number:.2f}" for number in numbers)])
    columns = (
        "| workers | masks a second | `parse`'s run | `parse` with its start | server / run | CPU of `parse`, s "
        "| of the server | of the client |"
    )
    report.table(f"Throughput, {count} pictures of 1024², {clients} clients, {CORES} cores", columns, rows)
    ratio = max(float(row[1]) for row in rows) / max(float(row[2]) for row in rows)
    print(f"\nBest of the server / best of `parse`: {ratio:.2f}.")
    if ratio < 0.75:
        report.misses.append(f"throughput is {ratio:.2f} of the command line's, not 0.75")


def png(width: int, height: int, rows: int, extra: bytes = b"") -> bytes:
    """Return a black PNG of 1 bit a pixel, with that many rows of its data, and an extra chunk."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 + (width + 7) // 8)) for _ in range(rows)) + packer.flush()
    about = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", about) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def patched(kind: str, place: int, size: bytes) -> bytes:
    """Return a small picture whose header says another size."""
    file = BytesIO()
    Image.new("P", (64, 64)).save(file, kind)
    data = bytearray(file.getvalue())
    data[place : place + len(size)] = size
    return bytes(data)


def text_bomb() -> bytes:
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()
    return png(64, 64, 64, chunk(b"zTXt", b"Comment\0\0" + data))


def make_bombs() -> dict[str, tuple[bytes, set[int]]]:
    """Return name → a picture and the statuses that are right for it."""
    return {
        "PNG of 30,000², 900 million pixels": (png(30_000, 30_000, 30_000), {413}),
        "PNG of 7,000², within the limit": (png(7_000, 7_000, 7_000), {200}),
        "PNG of 64² with a text of 256 MiB": (text_bomb(), {200, 422}),
        "PNG of 64² with data of 30,000 rows": (png(64, 64, 30_000), {200, 422}),
        "GIF with a screen of 65,535²": (patched("GIF", 6, b"\xff" * 4), {413, 422}),
        "BMP that says 60,000²": (patched("BMP", 18, struct.pack("<II", 60_000, 60_000)), {413, 422}),
    }


T = TypeVar("T")


def beside(server: Server, tasks: list[Task], job: Coroutine[Any, Any, T]) -> tuple[T, list[Answer]]:
    """Let 8 clients upload pictures until the job is done; return its result and their answers."""

    async def both() -> tuple[T, list[Answer]]:
        running = asyncio.create_task(job)
        uploads = takewhile(lambda _: not running.done(), cycle(tasks))
        answers = await load(server.port, uploads, 8)
        return await running, answers

    return asyncio.run(both())


def bombs(report: Report, pictures: Pictures, short: bool) -> None:
    tasks, rows = pictures.tasks(*SMALL), []
    with serving("--model", str(TINY)) as server:
        for name, (picture, statuses) in make_bombs().items():
            answers, others = beside(server, tasks, load(server.port, [Task(picture, b"")] * 4, 4))
            report.check({answer.status for answer in answers} <= statuses, f"{name}: {answers[0].status}")
            longest = f"{max(answer.seconds for answer in answers):.2f}"
            shown = report.count(others, OTHERS, name)
            rows.append(
                [name, f"{len(picture):,}", answers[0].status, longest, f"{server.peak():.0f}", shown]
            )
    columns = "| picture, 4 at once | bytes | answer | s | largest memory so far, MiB | 8 others |"
    report.table("Decompression bombs", columns, rows)


async def cut(port: int, picture: bytes, keep: int) -> None:
    """End a connection after some bytes of a request."""
    request = head(len(picture)) + picture
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request[:keep])
    await writer.drain()
    writer.transport.abort()


def cuts(report: Report, pictures: Pictures, short: bool) -> None:
    tasks = pictures.tasks(*SMALL)
    picture, count = tasks[0].picture, 100 if short else 1000
    length = len(head(len(picture)) + picture)
    with serving("--model", str(TINY)) as server:

        async def all_cuts() -> None:
            for number in range(count):
                await cut(server.port, picture, (20, length - len(picture) // 2, length)[number % 3])
                await asyncio.sleep(0.005)

        shown = report.count(beside(server, tasks, all_cuts())[1], OTHERS, "cuts")
    report.table("Cut connections", "| cut in header, body, work | 8 others |", [[f"{count:,}", shown]])


UPLOAD, TIMEOUT = 2, 8
"""Limits of the server that slow clients get, seconds."""


async def drip(port: int, first: bytes) -> tuple[float, bytes]:
    """Send one byte a second after the first ones; return the seconds until the server ends it, and its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    writer.write(first)
    answer = asyncio.ensure_future(reader.read())
    while not (await asyncio.wait([answer], timeout=1))[0]:
        writer.write(b"a")
    writer.close()
    with suppress(OSError):
        return time.perf_counter() - began, await answer
    return time.perf_counter() - began, b""


def slow(report: Report, pictures: Pictures, short: bool) -> None:
    tasks = pictures.tasks(*SMALL)
    body = head(len(tasks[0].picture)) + tasks[0].picture[:100]
    with serving("--model", str(TINY), "--upload", str(UPLOAD), "--timeout", str(TIMEOUT)) as server:

        async def drips() -> list[tuple[float, bytes]]:
            return await asyncio.gather(*(drip(server.port, first) for first in [b"P"] * 20 + [body] * 20))

        ends, others = beside(server, tasks, drips())
    shown = report.count(others, OTHERS, "slow")
    rows = []
    for where, some, limit in (("header", ends[:20], TIMEOUT + 2 * UPLOAD), ("body", ends[20:], UPLOAD)):
        longest = max(seconds for seconds, _ in some)
        answers = Counter(answer[9:12].decode() or "cut" for _, answer in some)
        rows.append([where, limit, f"{longest:.1f}", ", ".join(f"{n} {kind}" for kind, n in answers.items())])
        report.check({*answers} == {"408" if where == "body" else "cut"}, f"slow {where}: {answers}")
    columns = "| a byte a second in | limit, s | ended after, s | answers | 8 others |"
    report.table("Slow clients", columns, [[*row, shown] for row in rows])


async def kill(server: Server) -> tuple[set[int], float]:
    """Kill with -9 the worker that has the most clients.

    Returns:
        The ports of its clients, and the seconds until a new worker takes connections.
    """
    await asyncio.sleep(1)  # all clients are busy
    before, probes = server.workers(), list[socket.socket]()
    worker = max(before, key=lambda one: len(clients_of(one)))
    worker.suspend()  # it takes no more clients while they are listed
    ports, began = clients_of(worker), time.perf_counter()
    worker.kill()
    while not any(clients_of(one) for one in server.workers() if one not in before):
        probes.append(socket.create_connection(("127.0.0.1", server.port)))
        await asyncio.sleep(0.05)
    seconds = time.perf_counter() - began
    for probe in probes:
        probe.close()
    return ports, seconds


def clients_of(worker: psutil.Process) -> set[int]:
    """Return the ports of the clients that a worker has."""
    with suppress(psutil.Error):
        return {one.raddr.port for one in worker.net_connections("tcp") if one.raddr}
    return set()


def kills(report: Report, pictures: Pictures, short: bool) -> None:
    tasks, rows = pictures.tasks(*SMALL), []
    with serving("--model", str(TINY), "--workers", "2") as server:
        for _ in range(1 if short else 3):
            (ports, seconds), answers = beside(server, tasks, kill(server))
            hit = [answer for answer in answers if answer.port in ports]
            others = [answer for answer in answers if answer.port not in ports]
            shown = report.count(hit, [*OTHERS, "cut"], "clients of a killed worker")
            rows.append([len(ports), shown, report.count(others, OTHERS, "kills"), f"{seconds:.2f}"])
            if seconds >= 5:
                report.misses.append(f"the new worker took {seconds:.2f} s, not 5")
    columns = "| clients of the killed worker | their answers | the others' | new worker after, s |"
    report.table("One of two workers killed with -9", columns, rows)


PARTS = {part.__name__: part for part in (start, burst, row, bombs, cuts, slow, kills, latency, throughput)}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    options.add_argument("--short", action="store_true", help="a tenth of the work, for a look")
    chosen = options.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection is a file
    report, began = Report(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="faceparse-storm-") as folder:
        pictures = Pictures(Path(folder))
        for name in chosen.part or PARTS:
            PARTS[name](report, pictures, chosen.short)
    print(f"\n{time.perf_counter() - began:.0f} s in all.")
    for kind, lines in (("WRONG", report.faults), ("MISSED", report.misses)):
        for line in lines:
            print(f"{kind}: {line}")
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
