"""The run over a folder: a pool of threads, each taking one picture through all its steps.

While one thread waits for the network another decodes or encodes, and no queue holds decoded pictures. Where
the parser's engine gathers looks (`engines.batching`), the threads' looks go through the network together.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO

from faceparse.errors import FaceparseError, OutputError, shown
from faceparse.folder.jobs import Job
from faceparse.folder.lock import locked
from faceparse.folder.manifest import FOLDER, Manifest, Record, Source, Written
from faceparse.results import Parsing
from faceparse.writers import Writer

WRITTEN, SKIPPED, FAILED = "written", "skipped", "failed"

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOTHING = 1 << 16  # bytes free on a full disk, at most


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: The job.
        status: `written`; `skipped`, all being there; or `failed`.
        reason: Why it failed or was skipped, on one line; empty where it was skipped as done before.
        faces: How many faces were found.
        outputs: The files written.
        seconds: How long each step took, of the parsing and `write`.
        disk_full: Whether it failed for want of space, which ends the run.
    """

    job: Job
    status: str
    reason: str = ""
    faces: int = 0
    outputs: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    disk_full: bool = False


@dataclass
class Run:
    """Parses and writes every job; iterating yields outcomes as they are done. A failed picture stops no other.

    >>> run = Run(jobs, parser.parse, writers(["mask"]), Path("out"), made_by=parser.identity)  # doctest: +SKIP
    >>> Counter(outcome.status for outcome in run)  # doctest: +SKIP
    Counter({'written': 1204})

    A picture is skipped where the manifest says that all was made from the same file, by the same model and
    options, and the files are there. A writer's files that exist without a record are not ours to replace:
    they stay, unless `overwrite` is set. A run that is killed leaves its pictures in flight to the next one.

    Args:
        jobs: From `find_jobs`.
        parse: Picture → parsing, called from several threads at a time.
        writers: By name.
        output: The output folder, made where it is missing; only one run at a time writes into it.
        made_by: What the results depend on, such as `Parser.identity`; what was made by other is redone.
        overwrite: Redo all.
        workers: Threads; as many as cores when not given.
        fail_fast: Stop after the first failure.
        stop: Once set, no further picture is begun; those in flight are finished.

    Attributes:
        ended: Why the run ended before its last picture: `stopped`, `failed`, `disk full`; else empty.
        unfinished: Why files that sum up the run could not be written, a line each.
        finished: Files that sum up the run, written by `Writer.finish`; a run that ended early writes none.

    Raises:
        OutputError: on iterating, when the output folder cannot be written to or another run is at work there.
    """

    jobs: Sequence[Job]
    parse: Callable[[Path | IO[bytes]], Parsing]
    writers: Mapping[str, Writer]
    output: Path
    made_by: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False
    workers: int | None = None
    fail_fast: bool = False
    stop: Event = field(default_factory=Event)
    ended: str = field(default="", init=False)
    finished: tuple[Path, ...] = field(default=(), init=False)
    unfinished: tuple[str, ...] = field(default=(), init=False)

    def __iter__(self) -> Iterator[Outcome]:
        self.ended, self.finished, self.unfinished = "", (), ()
        _make_folder(self.output / FOLDER)
        with locked(self.output / FOLDER / "lock"):
            manifest = Manifest(self.output, self.made_by)
            try:
                there = bytearray(len(self.jobs))
                yield from self._outcomes(_Worker(self, manifest), there)
                if not self.ended:
                    self._finish(manifest, there)
            finally:
                manifest.close()

    def _outcomes(self, worker: _Worker, there: bytearray) -> Iterator[Outcome]:
        count = self.workers or os.cpu_count() or 1
        pool = ThreadPoolExecutor(count, "faceparse")
        waiting: dict[Future[Outcome], int] = {}
        jobs = enumerate(self.jobs)
        tried = 0
        try:
            while True:
                while not self._ending() and len(waiting) < 2 * count and (item := next(jobs, None)):
                    waiting[pool.submit(worker, item[1])] = item[0]
                if self._ending():  # those that no thread has begun are dropped
                    waiting = {f: index for f, index in waiting.items() if not f.cancel()}
                if not waiting:
                    break
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    index = waiting.pop(future)
                    outcome = future.result()
                    there[index] = outcome.status != FAILED
                    tried += 1
                    self._judge(outcome)
                    yield outcome
            if self.stop.is_set() and tried < len(self.jobs):
                self.ended = self.ended or "stopped"
        finally:
            pool.shutdown(cancel_futures=True)

    def _ending(self) -> bool:
        return bool(self.ended) or self.stop.is_set()

    def _judge(self, outcome: Outcome) -> None:
        if outcome.disk_full:
            self.ended = "disk full"
        elif outcome.status == FAILED and self.fail_fast and not self.ended:
            self.ended = "failed"

    def _finish(self, manifest: Manifest, there: bytearray) -> None:
        summing = [w for w in self.writers.values() if type(w).finish is not Writer.finish]
        if not summing:
            return
        manifest.finishing()
        paths: list[Path] = []
        for writer in summing:
            stems = (job.stem for job, is_there in zip(self.jobs, there, strict=True) if is_there)
            try:
                paths += writer.finish(self.output, stems)
            except FaceparseError as error:
                self.unfinished = (*self.unfinished, str(error))
        self.finished = tuple(paths)
        manifest.finished(relative(path, self.output) for path in paths)


class _Worker:
    """Takes one job through all its steps; called from several threads."""

    def __init__(self, run: Run, manifest: Manifest) -> None:
        self._run, self._manifest = run, manifest

    def __call__(self, job: Job) -> Outcome:
        if job.problem:
            return Outcome(job, FAILED, job.problem)
        try:
            return self._done(job)
        except FaceparseError as error:
            return Outcome(job, FAILED, _naming(job, str(error)), disk_full=self._is_full(error))
        except (MemoryError, OSError) as error:
            reason = _naming(job, f"{type(error).__name__}: {error}")
            return Outcome(job, FAILED, reason, disk_full=self._is_full(error))

    def _done(self, job: Job) -> Outcome:
        stem = relative(job.stem, self._run.output)
        before = self._manifest.record(stem)
        source = Source.of(job.source, job.data)  # before it is read: a change meanwhile shows next time
        keys = {
            n: self._manifest.key(source, repr(w)) if source else "" for n, w in self._run.writers.items()
        }
        todo = {n: w for n, w in self._run.writers.items() if not self._is_done(before.done.get(n), keys[n])}
        strange = () if self._run.overwrite or before.begun else self._strange(job, todo, before)
        todo = {name: w for name, w in todo.items() if name not in strange}
        if not todo:
            reason = (
                f"{shown(job.source)}: {', '.join(strange)} exist, and no run recorded them"
                if strange
                else ""
            )
            return Outcome(job, SKIPPED, reason, before.faces)
        parsing = self._run.parse(job.picture)
        _make_folder(job.stem.parent)
        self._manifest.begin(stem, todo)
        began = time.perf_counter()
        done = dict(before.done)
        paths: list[Path] = []
        for name, writer in todo.items():
            new = writer.write(parsing, job.stem)
            paths += new
            done[name] = Written(keys[name], tuple(relative(path, self._run.output) for path in new))
            self._remove_stale(job, writer, before, done[name].files)
        self._manifest.end(stem, Record(len(parsing.faces), done))
        seconds = {**parsing.seconds, "write": time.perf_counter() - began}
        return Outcome(job, WRITTEN, "", len(parsing.faces), tuple(paths), seconds)

    def _is_done(self, written: Written | None, key: str) -> bool:
        """Whether a writer's files of a picture are there, made of the same by the same."""
        return (
            not self._run.overwrite
            and written is not None
            and written.key == key
            and all((self._run.output / file).exists() for file in written.files)
        )

    @staticmethod
    def _strange(job: Job, writers: Mapping[str, Writer], before: Record) -> tuple[str, ...]:
        """The writers whose files exist although no run of ours recorded them."""
        return tuple(
            name
            for name, writer in writers.items()
            if name not in before.done and any(target.exists() for target in job.targets(writer))
        )

    def _remove_stale(self, job: Job, writer: Writer, before: Record, files: Iterable[str]) -> None:
        """Remove what the writer wrote before for this picture and did not write now."""
        old = set(before.done[writer.name].files) if writer.name in before.done else set()
        if before.begun:
            old |= {relative(target, self._run.output) for target in job.targets(writer)}
        for file in old - set(files):
            (self._run.output / file).unlink(missing_ok=True)

    def _is_full(self, error: BaseException) -> bool:
        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) and len(causes) < 9:
            causes.append(cause)
        numbers = {e.errno for e in causes if isinstance(e, OSError)}
        if numbers & set(_FULL):
            return True
        # Pillow's encoders drop the system's reason.
        return isinstance(error, OSError) and shutil.disk_usage(self._run.output).free < _NOTHING


def _naming(job: Job, reason: str) -> str:
    """A reason that names the picture."""
    name = "stdin" if job.data is not None else shown(job.source)
    return reason if name in reason else f"{name}: {reason}"


def relative(path: Path, output: Path) -> str:
    """A path below the output folder, `/` between its parts."""
    return Path(os.path.relpath(path, output)).as_posix()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        shown = folder.parent if folder.name == FOLDER else folder
        raise OutputError(f"cannot make output folder {shown}: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"output folder {folder} is not writable: choose another with -o")
