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

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from faceparse.folder.summary import Summary
from faceparse.scale.actor import Actor
from faceparse.scale.destination import ROWS, Destination, open_destination
from faceparse.scale.parse import Parse
from faceparse.scale.place import Place
from faceparse.scale.session import Workers, count_actors, import_ray, one_line_errors, ray_session
from faceparse.scale.source import Pack, find_source, read_pack
from faceparse.scale.table import import_pyarrow


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
        actors = count_actors(workers)
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
                    Actor,
                    batch_format="pyarrow",
                    batch_size=workers.batch,
                    fn_constructor_args=(self._parse, self._prepare, marks),
                    compute=ray.data.ActorPoolStrategy(size=actors),
                    num_cpus=workers.threads,
                    num_gpus=workers.gpus or None,
                )
                with one_line_errors():
                    yield from rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        finally:
            shutil.rmtree(Path(tempfile.gettempdir(), marks), ignore_errors=True)


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
