"""Parse the pictures of a source in many processes with Ray Data, and write one row a picture.

>>> run = Run("photos", "out", Parse(), workers=Workers(actors=2))  # doctest: +SKIP
>>> for done in run:  # doctest: +SKIP
...     print(done, "of", run.total)
>>> run.summary.counts  # doctest: +SKIP
Counter({'written': 1198, 'failed': 6})

Only this process writes rows, in the order in which they come, and each row that Ray delivers comes once: a worker
that dies changes neither.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from faceparse import errors
from faceparse.errors import ConfigError, EngineError, FaceparseError, MissingExtraError, in_words
from faceparse.folder.summary import Summary
from faceparse.parser import in_order
from faceparse.scale.destination import ROWS, Destination, open_destination
from faceparse.scale.parse import Parse
from faceparse.scale.place import Place
from faceparse.scale.source import Pack, find_source, read_pack
from faceparse.scale.table import Row, error_row, import_pyarrow, to_table

BATCH = 16
"""Default number of pictures that an actor takes at a time."""

BLOCK = 4 << 20
"""Bytes of encoded pictures or of rows that travel together."""

STORE = 256 << 20
"""Bytes of shared memory on this machine for what travels between processes."""

DEATHS = 2
"""Number of workers that may die of a picture before it is parsed alone, for the last time."""


@dataclass(frozen=True)
class Workers:
    """The processes that parse.

    Attributes:
        actors: Number of processes, each with the model loaded; None: as many as the CPUs or GPUs allow.
        gpus: GPUs of each, such as 0.25 for four processes on one GPU.
        threads: CPUs of each; on the CPU, the number of pictures parsed at a time.
        batch: Number of pictures that a process takes at a time.
        address: Address of a running Ray cluster, or `auto`; None: this machine alone.
    """

    actors: int | None = None
    gpus: float = 0
    threads: int = 1
    batch: int = BATCH
    address: str | None = None


class Run:
    """A job over many pictures. Iterating over it works, and yields the number of rows written so far.

    A rerun leaves out pictures whose keys the destination holds, those with an error included.

    Args:
        source: A folder, a list of paths (.txt), a Parquet file, or a tar; see `find_source`.
        output: Folder of the rows, in any file system of pyarrow.
        parse: The function that workers call.
        form: `parquet` or `tars`.
        workers: The processes.
        recursive: Whether to look into subfolders of the source.
        overwrite: Whether to redo all pictures.
        rows: Number of rows of one file of the output.
        prepare: Function that each worker calls first, to be found by its module and name.

    Attributes:
        total: Number of pictures to parse; None while nobody knows.
        summary: Counts of `written`, `failed` and `skipped` pictures, and reasons of failures.
        seconds: Time since the workers began.
        start_seconds: Time that Ray's start took.
        bytes: Size of the files written.
        stop: Event that ends the run after the rows that are ready.
        stopped: Whether it did.

    Raises:
        ConfigError: no source, or no picture in it.
        MissingExtraError: Ray or pyarrow is not installed.
        FaceparseError: as `open_destination` and `Parse.header`.
    """

    def __init__(
        self,
        source: str,
        output: str,
        parse: Parse,
        *,
        form: str = "parquet",
        workers: Workers | None = None,
        recursive: bool = False,
        overwrite: bool = False,
        rows: int = ROWS,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        import_ray()
        self._parse, self._workers, self._prepare = parse, workers or Workers(), prepare
        self._output = Place.of(output)
        self._source = find_source(source, recursive=recursive, leave_out=self._output)
        self._open = partial(
            open_destination, self._output, form, parse.header(), rows=rows, overwrite=overwrite
        )
        self.summary, self.stop = Summary(), threading.Event()
        self.total = self._source.total
        self.seconds = self.start_seconds = 0.0
        self.bytes, self.stopped = 0, False

    def __iter__(self) -> Iterator[int]:
        with self._open() as destination:
            try:
                yield from self._rows(destination)
            finally:
                destination.close()
                self.bytes = destination.bytes

    def _rows(self, destination: Destination) -> Iterator[int]:
        pictures = {k: path for k, path in self._source.pictures.items() if k not in destination.keys}
        packs = self._source.packs
        skipped = len(destination.keys) if packs else len(self._source.pictures) - len(pictures)
        if skipped:
            self.summary.counts["skipped"] = skipped
        if self.total is not None:
            self.total = max(self.total - skipped, 0)
        if not (pictures or packs):
            return
        began = time.perf_counter()
        with ray_session(self._workers), closing(self._tables(pictures, packs, destination.keys)) as tables:
            ready, done = time.perf_counter(), 0
            self.start_seconds = ready - began
            for table in tables:
                destination.add(table)
                for row in table.select(["key", "path", "error"]).to_pylist():
                    status, names = "failed" if row["error"] else "written", (row["path"], row["key"])
                    self.summary.add(status, row["error"] or "", *names, os.path.basename(row["key"]))
                done += len(table)
                self.seconds = time.perf_counter() - ready
                yield done
                if self.stop.is_set():
                    self.stopped = True
                    return

    def _tables(
        self, pictures: Mapping[str, str], packs: list[Pack], written: set[str]
    ) -> Generator[Any, None, None]:
        """Yield tables of rows in the order in which the workers deliver them."""
        ray, workers = import_ray(), self._workers
        actors = _actors(workers)
        if not packs:
            actors = min(actors, len(pictures))
        # A small job is divided among all actors, and twice as finely, because pictures differ.
        size = max(1, min(workers.batch, -(-len(pictures) // (2 * actors))))
        inputs = [ray.data.from_arrow(_blocks(pictures, size))] if pictures else []
        if packs:
            listed = ray.data.from_items([p._asdict() for p in packs], override_num_blocks=len(packs))
            reading = {"written": ray.put(frozenset(written)), "size": workers.batch}
            inputs.append(
                listed.map_batches(
                    _read, batch_size=1, batch_format="pyarrow", fn_kwargs=reading, num_cpus=0.25
                )
            )
        marks = f"faceparse-scale-{secrets.token_hex(8)}"
        try:
            for part in inputs:
                rows = part.map_batches(
                    _Actor,
                    batch_format="pyarrow",
                    batch_size=workers.batch,
                    fn_constructor_args=(self._parse, self._prepare, marks),
                    compute=ray.data.ActorPoolStrategy(size=actors),
                    num_cpus=workers.threads,
                    num_gpus=workers.gpus or None,
                )
                with _one_line():
                    yield from rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        finally:
            shutil.rmtree(Path(tempfile.gettempdir(), marks), ignore_errors=True)


def import_ray() -> Any:
    """Import Ray and Ray Data.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        if error.name not in ("ray", "pandas", "pyarrow"):
            raise
        raise MissingExtraError(error.name, "scale", "faceparse scale") from None
    return ray


@contextmanager
def ray_session(workers: Workers) -> Iterator[None]:
    """Start Ray, or join a cluster, without its messages and statistics; a session that has begun is used as it is."""
    ray = import_ray()
    if ray.is_initialized():
        with _quiet():
            yield
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    folder = None
    options: dict[str, Any] = {"address": workers.address}
    if workers.address:
        _check_address(workers.address)
    if not workers.address:
        # Ray's sockets are in this folder, and their paths have at most 107 bytes.
        parent = tempfile.gettempdir()
        folder = tempfile.mkdtemp(
            prefix="ray-", dir="/tmp" if len(parent) > 24 and os.name == "posix" else parent
        )
        options = {
            "address": "local",
            # One more than the actors have, for reading files of many pictures.
            "num_cpus": max(cores, (workers.actors or 0) * workers.threads) + 1,
            "object_store_memory": STORE,
            "include_dashboard": False,
            "_temp_dir": folder,
        }
    try:
        variables = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
        with _environment(**variables), _one_line(), _no_stderr():
            ray.init(**options, logging_level=logging.CRITICAL, log_to_driver=False)
        with _quiet():
            yield
    finally:
        ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _check_address(address: str) -> None:
    """Refuse an address at which nothing answers: Ray would try for minutes.

    Raises:
        ConfigError: no connection to HOST:PORT.
    """
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "://" in address:  # `auto`, which Ray looks up
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address}: {in_words(error)}; expected HOST:PORT or auto"
        ) from None


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables while the block runs; a user's own values stay."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Drop what C++ code writes to stderr while the block runs: Ray tells there that it will tell nothing."""
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


@contextmanager
def _quiet() -> Iterator[None]:
    """Set Ray Data's context, and turn off its messages, while the block runs."""
    ray = import_ray()
    context = deepcopy(ray.data.DataContext.get_current())
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = BLOCK
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with ray.data.DataContext.current(context):
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn an error of Ray into one line; an error of faceparse in a worker, which is in Ray's text, is raised again."""
    ray = import_ray()
    try:
        yield
    except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError) as error:
        if isinstance(error, FaceparseError):
            raise
        for name, text in re.findall(r"^faceparse\.errors\.(\w+): (.+)$", str(error), re.M):
            raise getattr(errors, name, EngineError)(text) from None
        raise EngineError(f"Ray: {in_words(error)}") from error


def _actors(workers: Workers) -> int:
    """Return the number of actors: by default as many as the CPUs or GPUs hold.

    Raises:
        ConfigError: more actors than this machine's GPUs hold, for which Ray would wait for ever.
    """
    there = import_ray().cluster_resources()
    if workers.gpus:
        most = int(there.get("GPU", 0) / workers.gpus)
    else:
        most = int((there.get("CPU", 1) - (not workers.address)) / workers.threads)
    if workers.gpus and not workers.address and most < (workers.actors or 1):
        raise ConfigError(
            f"{workers.actors or 1} processes with {workers.gpus:g} GPUs each do not fit: Ray sees {there.get('GPU', 0):g}"
        )
    return workers.actors or max(most, 1)


def _blocks(pictures: Mapping[str, str], size: int) -> list[Any]:
    """Return key and path of each picture as tables of `size` rows."""
    pa, items, blocks = import_pyarrow(), iter(pictures.items()), []
    while block := list(islice(items, size)):
        keys, paths = zip(*block, strict=True)
        blocks.append(pa.table({"key": pa.array(keys, pa.string()), "path": pa.array(paths, pa.string())}))
    return blocks


def _read(batch: Any, written: Any, size: int) -> Iterator[Any]:
    """Yield the pictures of one pack, without those that are written, as tables of at most `size` rows."""
    pa, done = import_pyarrow(), import_ray().get(written)
    types = {"key": pa.string(), "bytes": pa.binary(), "path": pa.string(), "error": pa.string()}
    (pack,) = (Pack(**row) for row in batch.to_pylist())
    pictures = (picture for picture in read_pack(pack) if picture.key not in done)
    while some := list(islice(pictures, size)):
        yield pa.table(
            {name: pa.array([getattr(p, name) for p in some], kind) for name, kind in types.items()}
        )


class _Actor:
    """A worker: it loads the model once, and turns a table of pictures into a table of rows.

    A file on the worker's machine marks each picture that is being parsed. If it is still there when a worker
    begins the picture again, an earlier worker died meanwhile. A picture that was there at two deaths is parsed
    alone, so that it takes no other with it, and after a third death its row has an error.
    """

    def __init__(self, parse: Parse, prepare: Callable[[], None] | None, folder: str) -> None:
        if prepare:
            prepare()
        self._parse, self._marks = parse, Path(tempfile.gettempdir(), folder)
        self._marks.mkdir(exist_ok=True)
        self._fault: FaceparseError | None = None
        try:
            parse.load()
        except FaceparseError as error:  # Ray reports the error of a batch, but starts an actor again
            self._fault = error

    def __call__(self, table: Any) -> Any:
        if self._fault:
            raise self._fault
        entries = table.to_pylist()
        deaths = [self._deaths(entry) for entry in entries]
        together = [entry for entry, count in zip(entries, deaths, strict=True) if count < DEATHS]
        alone = [entry for entry, count in zip(entries, deaths, strict=True) if count >= DEATHS]
        return to_table([*in_order(self._row, together, self._parse.jobs), *map(self._row, alone)])

    def _row(self, entry: Row) -> Row:
        deaths, mark = self._deaths(entry), self._mark(entry)
        if deaths > DEATHS:
            error = f"{entry['key']}: {deaths} processes that parsed it died; is it too large for the memory?"
            return error_row(entry["key"], error, path=entry.get("path"))
        mark.write_bytes(b"x" * (deaths + 1))
        row = self._parse.row(entry)
        mark.unlink(missing_ok=True)
        return row

    def _mark(self, entry: Row) -> Path:
        return self._marks / hashlib.sha256(entry["key"].encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _deaths(self, entry: Row) -> int:
        """Return how many workers died while they parsed a picture."""
        try:
            return self._mark(entry).stat().st_size
        except OSError:
            return 0
