"""A run over many pictures: a pool of threads, each of which takes one picture through all steps.

While one thread waits for the network another decodes or encodes, and no queue holds decoded pictures. Where
the parser's engine gathers looks (`engines.batching`), the threads' looks go through the network together.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO

from faceparse.errors import FaceparseError, display_name
from faceparse.files import make_folder
from faceparse.folder.jobs import Job, Jobs
from faceparse.folder.lock import hold_lock
from faceparse.folder.manifest import FOLDER, Manifest, Output, Record, fingerprint
from faceparse.folder.summary import Summary
from faceparse.results import Parsing
from faceparse.writers import Writer

WRITTEN, SKIPPED, FAILED = "written", "skipped", "failed"

_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        job: The job.
        status: `written`; `skipped`, where all outputs are there; or `failed`.
        reason: Why it failed or was skipped, on one line; empty where an earlier run did it.
        faces: Number of detected faces.
        false_faces: Number of detections in which the network sees no face.
        trust: The network's trust in each face, 0 to 1.
        looks: How often the network looked at the picture.
        engine: What ran the model, as `Parsing.engine`.
        outputs: Files written now.
        seconds: Duration of each step, those of the parsing and `write`.
        disk_full: Whether the disk is full, which ends the run.
    """

    job: Job
    status: str
    reason: str = ""
    faces: int = 0
    engine: str = ""
    outputs: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    disk_full: bool = False
    false_faces: int = 0
    trust: tuple[float, ...] = ()
    looks: int = 0

    def record(self) -> dict[str, object]:
        """The outcome in plain values, as the log has it."""
        return {
            "path": str(self.job.source),
            "status": self.status,
            "reason": self.reason,
            "faces": self.faces,
            "trust": [round(trust, 4) for trust in self.trust],
            "false_faces": self.false_faces,
            "looks": self.looks,
            "engine": self.engine,
            "seconds": {step: round(seconds, 6) for step, seconds in self.seconds.items()},
            "outputs": [str(path) for path in self.outputs],
        }


@dataclass
class Run:
    """Parses every picture and writes its outputs; iterating yields outcomes. A failure stops no other.

    >>> run = Run(jobs, parser.parse, writers(["mask"]), Path("out"), identity=parser.identity)  # doctest: +SKIP
    >>> Counter(outcome.status for outcome in run)  # doctest: +SKIP
    Counter({'written': 1204})

    A picture is skipped where its outputs are there and the manifest says that they were made from the same
    file, by the same model and options. Files that no run recorded stay, unless `overwrite` is set. The
    pictures that a killed run was working on are redone by the next one.

    Args:
        jobs: From `find_jobs`.
        parse: Picture → parsing, called from several threads at a time.
        writers: By name.
        output: The output folder, made where it is missing; only one run at a time writes into it.
        identity: What outputs depend on besides the picture, such as `Parser.identity`; outputs of another
            identity are redone.
        overwrite: Redo every picture, and replace files that no run recorded.
        workers: Number of threads; None for the number of cores.
        fail_fast: Stop after the first failure.
        stop: Once set, no further picture begins; those that have begun are completed.

    Attributes:
        end_reason: Why the run ended before its last picture: `stopped`, `failed`, `disk full`; else empty.
        summary_files: Files that sum up the run, from `Writer.finish`; a run that ended early writes none.
        summary_errors: Why files that sum up the run could not be written, one line per file.
        summary: The outcomes, counted.
        seconds: Duration of the run.

    Raises:
        OutputError: on iterating, when the output folder cannot be written to or another run is at work there.
    """

    jobs: Jobs
    parse: Callable[[Path | IO[bytes]], Parsing]
    writers: Mapping[str, Writer]
    output: Path
    identity: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False
    workers: int | None = None
    fail_fast: bool = False
    stop: Event = field(default_factory=Event)
    end_reason: str = field(default="", init=False)
    summary_files: tuple[Path, ...] = field(default=(), init=False)
    summary_errors: tuple[str, ...] = field(default=(), init=False)
    summary: Summary = field(default_factory=Summary, init=False)
    seconds: float = field(default=0, init=False)

    def __iter__(self) -> Iterator[Outcome]:
        self.end_reason, self.summary_files, self.summary_errors = "", (), ()
        self.summary, start = Summary(), time.perf_counter()
        make_folder(self.output)
        make_folder(self.output / FOLDER)
        with hold_lock(self.output / FOLDER / "lock"):
            manifest = Manifest(self.output, self.identity)
            try:
                failed: set[int] = set()
                for outcome in self._outcomes(_Worker(self, manifest), failed):
                    self.summary.add(
                        outcome.status, outcome.reason, str(outcome.job.source), str(outcome.job.stem)
                    )
                    if outcome.status == WRITTEN:
                        self._count_faces(outcome)
                    yield outcome
                if not self.end_reason:
                    self._finish(manifest, failed)
            finally:
                manifest.close()
                self.seconds = time.perf_counter() - start

    def _count_faces(self, outcome: Outcome) -> None:
        asked = self.identity.get("faces") != "whole"
        self.summary.no_face += asked and not outcome.faces
        self.summary.no_skin += sum(trust == 0 for trust in outcome.trust)
        self.summary.false_faces += outcome.false_faces

    def record(self) -> dict[str, object]:
        """What the run did, in plain values, as the log's last line has it."""
        return {
            **{status: self.summary.counts[status] for status in (WRITTEN, SKIPPED, FAILED)},
            "total": len(self.jobs),
            "no_face": self.summary.no_face,
            "no_skin": self.summary.no_skin,
            "false_faces": self.summary.false_faces,
            "seconds": round(self.seconds, 3),
            "ended": self.end_reason,
            "reasons": dict(self.summary.reasons(FAILED)),
            "outputs": [str(path) for path in self.summary_files],
        }

    def _outcomes(self, worker: _Worker, failed: set[int]) -> Iterator[Outcome]:
        count = self.workers or os.cpu_count() or 1
        pool = ThreadPoolExecutor(count, "faceparse")
        waiting: dict[Future[Outcome], int] = {}
        jobs = enumerate(self.jobs)
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
                    if outcome.status == FAILED:
                        failed.add(index)
                        if outcome.disk_full:
                            self.end_reason = "disk full"
                        elif self.fail_fast:
                            self.end_reason = self.end_reason or "failed"
                    yield outcome
            if self.stop.is_set() and self.summary.counts.total() < len(self.jobs):
                self.end_reason = self.end_reason or "stopped"
        finally:
            pool.shutdown(cancel_futures=True)

    def _ending(self) -> bool:
        return bool(self.end_reason) or self.stop.is_set()

    def _finish(self, manifest: Manifest, failed: set[int]) -> None:
        summarising = [w for w in self.writers.values() if type(w).finish is not Writer.finish]
        if not summarising:
            return
        manifest.begin_summary()
        paths: list[Path] = []
        for writer in summarising:
            stems = (job.stem for index, job in enumerate(self.jobs) if index not in failed)
            try:
                paths += writer.finish(self.output, stems)
            except FaceparseError as error:
                self.summary_errors = (*self.summary_errors, str(error))
        self.summary_files = tuple(paths)
        manifest.end_summary(relative_path(path, self.output) for path in paths)


class _Worker:
    """Takes one job through all its steps; called from several threads."""

    def __init__(self, run: Run, manifest: Manifest) -> None:
        self._run, self._manifest = run, manifest

    def __call__(self, job: Job) -> Outcome:
        if job.problem:
            return Outcome(job, FAILED, job.problem)
        try:
            return self._process(job)
        except (FaceparseError, MemoryError, OSError) as error:
            kind = "" if isinstance(error, FaceparseError) else f"{type(error).__name__}: "
            return Outcome(job, FAILED, _with_name(job, f"{kind}{error}"), disk_full=_is_full(error))

    def _process(self, job: Job) -> Outcome:
        run = self._run
        stem = relative_path(job.stem, run.output)
        record = self._manifest.record(stem)
        picture = fingerprint(job.source, job.data)  # before reading: a change meanwhile shows next time
        keys = {name: self._manifest.key(picture, repr(w)) for name, w in run.writers.items()}
        todo = {n: w for n, w in run.writers.items() if not self._is_done(record.outputs.get(n), keys[n])}
        unrecorded = [
            name
            for name, writer in todo.items()
            if name not in record.outputs and any(target.exists() for target in job.targets(writer))
        ]
        if run.overwrite or record.interrupted:
            unrecorded = []
        todo = {name: w for name, w in todo.items() if name not in unrecorded}
        if not todo:
            names = ", ".join(unrecorded)
            reason = (
                f"{display_name(job.source)}: files of {names} exist that no run recorded" if names else ""
            )
            return Outcome(job, SKIPPED, reason, record.faces)
        parsing = run.parse(job.picture)
        make_folder(job.stem.parent)
        self._manifest.begin(stem, todo)
        start = time.perf_counter()
        outputs = dict(record.outputs)
        paths: list[Path] = []
        for name, writer in todo.items():
            new = writer.write(parsing, job.stem)
            paths += new
            outputs[name] = Output(keys[name], tuple(relative_path(path, run.output) for path in new))
            self._remove_stale(job, writer, record, outputs[name].files)
        self._manifest.end(stem, Record(len(parsing.faces), outputs))
        seconds = {**parsing.seconds, "write": time.perf_counter() - start}
        return Outcome(
            job,
            WRITTEN,
            faces=len(parsing.faces),
            engine=parsing.engine,
            outputs=tuple(paths),
            seconds=seconds,
            false_faces=len(parsing.false_faces),
            trust=tuple(face.trust for face in parsing.faces if face.trust is not None),
            looks=parsing.looks,
        )

    def _is_done(self, output: Output | None, key: str) -> bool:
        """Whether a writer's files of a picture are there, made from the same picture with the same options."""
        return (
            not self._run.overwrite
            and output is not None
            and output.key == key
            and all((self._run.output / file).exists() for file in output.files)
        )

    def _remove_stale(self, job: Job, writer: Writer, record: Record, files: Iterable[str]) -> None:
        """Remove what the writer wrote for this picture in earlier runs and did not write now."""
        stale = set(record.outputs[writer.name].files) if writer.name in record.outputs else set()
        if record.interrupted:
            stale |= {relative_path(target, self._run.output) for target in job.targets(writer)}
        for file in stale - set(files):
            (self._run.output / file).unlink(missing_ok=True)


def _is_full(error: BaseException) -> bool:
    """Whether the disk is full, by the error or the system's error behind it."""
    causes = (error, error.__cause__)
    return any(isinstance(cause, OSError) and cause.errno in _FULL_ERRORS for cause in causes)


def _with_name(job: Job, reason: str) -> str:
    """A reason that names the picture."""
    name = "stdin" if job.data is not None else display_name(job.source)
    return reason if name in reason else f"{name}: {reason}"


def relative_path(path: Path, output: Path) -> str:
    """A path relative to the output folder, `/` between names."""
    return Path(os.path.relpath(path, output)).as_posix()
