"""A run over many pictures in a thread pool; each thread takes one picture through all steps.

While one thread waits for the network, other threads decode or encode, and no queue holds decoded pictures.
If the parser's engine batches (`engines.batching`), the threads' views run through the network together.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Event
from typing import IO

from faceparse.errors import FaceparseError, display_name, in_words
from faceparse.files import make_folder
from faceparse.folder.jobs import Job, Jobs
from faceparse.folder.lock import hold_lock
from faceparse.folder.manifest import Manifest, Output, Record, fingerprint
from faceparse.folder.state import FOLDER, is_inside
from faceparse.folder.summary import Summary
from faceparse.labels import Scheme
from faceparse.results import Parsing
from faceparse.writers import Writer

WRITTEN, SKIPPED, REFUSED, FAILED = "written", "skipped", "refused", "failed"

_log = logging.getLogger(__name__)
_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        job: The job.
        status: `written`; `skipped` (all outputs exist); `refused` (some outputs were not written, because
            other files have their names); or `failed`.
        reason: Reason of a failure or refusal, on one line.
        faces: Number of detected faces.
        false_faces: Number of detections in which the network sees no face.
        trust: The network's trust in each face, 0 to 1.
        looks: Number of views of the picture that the network saw.
        engine: Engine that ran the model, as in `Parsing.engine`.
        outputs: Files that this run wrote.
        seconds: Duration of each step: the steps of the parsing, and `write`.
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
        """Return the outcome as plain data, as the log stores it."""
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
    """Parses every picture and writes its outputs; iteration yields outcomes. A failed picture does not stop the
    others.

    >>> run = Run(jobs, parser.parse, writers(["mask"]), Path("out"), identity=parser.identity)  # doctest: +SKIP
    >>> Counter(outcome.status for outcome in run)  # doctest: +SKIP
    Counter({'written': 1204})

    A picture is skipped if its outputs exist and the manifest records that the same file, model and options
    produced them. Without `overwrite`, files that no run recorded stay, and pictures whose outputs would
    replace them are refused. Pictures that a killed run had begun are redone by the next run.

    Args:
        jobs: Jobs from `find_jobs`.
        parse: Function from a picture to its parsing, called from several threads at the same time.
        writers: Name → writer.
        output: The output folder, created if missing; only one run at a time writes into it.
        identity: Values that outputs depend on besides the picture, such as `Parser.identity`; outputs of
            another identity are redone.
        scheme: Scheme of the results, such as `Parser.scheme`, whose class names may be part of file names;
            None for a scheme of the package.
        overwrite: Whether to redo every picture and replace files that no run recorded.
        workers: Number of threads; None for the number of cores.
        fail_fast: Whether to stop after the first failure.
        stop: Event that, once set, lets no further picture begin; pictures that have begun are completed.

    Attributes:
        end_reason: Why the run ended before its last picture: `stopped`, `failed`, `disk full`; else empty.
        summary_files: Files that summarise the run, from `Writer.finish`; none if the run ended early, or is a
            shard, which knows no more than its own pictures.
        summary_errors: Errors in writing those files, one line per file.
        summary: Counts of the outcomes.
        seconds: Duration of the run.

    Raises:
        ConfigError: two files would have one name; raised by iteration, before any work.
        OutputError: the output folder cannot be written, or another run is writing there; raised by
            iteration, too.
    """

    jobs: Jobs
    parse: Callable[[Path | IO[bytes]], Parsing]
    writers: Mapping[str, Writer]
    output: Path
    identity: Mapping[str, str] = field(default_factory=dict)
    scheme: Scheme | None = None
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
        worker = _Worker(self)
        make_folder(self.output)
        make_folder(self.output / FOLDER)
        shard = self.jobs.shard
        with hold_lock(self.output / FOLDER / f"lock{shard.ending}"):
            worker.manifest = manifest = Manifest(self.output, self.identity, shard)
            try:
                failed: set[int] = set()
                for outcome in self._outcomes(worker, failed):
                    self.summary.add(
                        outcome.status, outcome.reason, str(outcome.job.source), str(outcome.job.stem)
                    )
                    if outcome.status == WRITTEN or outcome.outputs:
                        self._count_faces(outcome)
                    yield outcome
                if not self.end_reason and not shard.ending:
                    self._finish(manifest, failed)
            finally:
                manifest.close()
                self.seconds = time.perf_counter() - start

    @property
    def summarising(self) -> dict[str, Writer]:
        """Name → writer, for the writers that summarise a whole run."""
        return {n: w for n, w in self.writers.items() if type(w).finish is not Writer.finish}

    def _count_faces(self, outcome: Outcome) -> None:
        asked = self.identity.get("faces") != "whole"
        self.summary.no_face += asked and not outcome.faces
        self.summary.no_skin += sum(trust == 0 for trust in outcome.trust)
        self.summary.false_faces += outcome.false_faces

    def record(self) -> dict[str, object]:
        """Return a summary of the run as plain data, as the log's last line stores it."""
        return {
            **{status: self.summary.counts[status] for status in (WRITTEN, SKIPPED, REFUSED, FAILED)},
            "total": len(self.jobs),
            "no_face": self.summary.no_face,
            "no_skin": self.summary.no_skin,
            "false_faces": self.summary.false_faces,
            "seconds": round(self.seconds, 3),
            "ended": self.end_reason,
            "reasons": dict(self.summary.reasons(FAILED) + self.summary.reasons(REFUSED)),
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
                if self._ending():  # drop the jobs that no thread has begun
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
        if not self.summarising:
            return
        manifest.begin_summary()
        paths: list[Path] = []
        for writer in self.summarising.values():
            stems = (job.stem for index, job in enumerate(self.jobs) if index not in failed)
            try:
                paths += writer.finish(self.output, stems)
            except Exception as error:
                self.summary_errors = (*self.summary_errors, _reason(error, writer.name))
        self.summary_files = tuple(paths)
        manifest.end_summary(relative_path(path, self.output) for path in paths)


class _Worker:
    """Takes one job through all its steps; called from several threads."""

    manifest: Manifest

    def __init__(self, run: Run) -> None:
        self._run = run
        endings = {n: w.endings_in(run.scheme) if run.scheme else w.endings for n, w in run.writers.items()}
        run.jobs.check_names(chain.from_iterable(endings.values()))
        # Includes the endings for the package's schemes, because an earlier run may have had another scheme.
        self._endings = {name: {*endings[name], *writer.endings} for name, writer in run.writers.items()}
        suffixes = tuple(chain.from_iterable(self._endings.values()))
        self._inputs = {os.path.realpath(path) for path in run.jobs.sources() if path.endswith(suffixes)}

    def __call__(self, job: Job) -> Outcome:
        if job.problem:
            return Outcome(job, FAILED, job.problem)
        try:
            return self._process(job)
        except BaseException as error:  # an error of a network or writer, even sys.exit: the run goes on
            name = "stdin" if job.data is not None else display_name(job.source)
            return Outcome(job, FAILED, _reason(error, name), disk_full=_is_full(error))

    def _process(self, job: Job) -> Outcome:
        run = self._run
        stem = relative_path(job.stem, run.output)
        record = self.manifest.record(stem)
        picture = fingerprint(
            job.source, job.data
        )  # before reading, so that the next run notices a later change
        keys = {name: self.manifest.key(picture, repr(w)) for name, w in run.writers.items()}
        todo = {n: w for n, w in run.writers.items() if not self._is_done(record.outputs.get(n), keys[n])}
        existing = {name: list(self._files(job, stem, name, record)) for name in todo}
        obstacles = {n: path for n in todo for path, ours in existing[n] if self._must_stay(path, ours)}
        todo = {name: w for name, w in todo.items() if name not in obstacles}
        reason = "; ".join(
            f"{name} not written: {display_name(path)} exists, and no run recorded it"
            for name, path in obstacles.items()
        )
        if not todo:
            return Outcome(job, REFUSED if reason else SKIPPED, reason, record.faces)
        parsing = run.parse(job.picture)
        make_folder(job.stem.parent)
        self.manifest.begin(stem, todo)
        start = time.perf_counter()
        outputs = dict(record.outputs)
        paths: list[Path] = []
        for name, writer in todo.items():
            new = writer.write(parsing, job.stem)
            paths += new
            outputs[name] = Output(keys[name], tuple(relative_path(path, run.output) for path in new))
            for path, ours in existing[name]:  # remove what only an earlier run wrote
                if ours and path not in new:
                    path.unlink(missing_ok=True)
        self.manifest.end(stem, Record(len(parsing.faces), outputs))
        seconds = {**parsing.seconds, "write": time.perf_counter() - start}
        return Outcome(
            job,
            REFUSED if reason else WRITTEN,
            reason,
            faces=len(parsing.faces),
            engine=parsing.engine,
            outputs=tuple(paths),
            seconds=seconds,
            false_faces=len(parsing.false_faces),
            trust=tuple(face.trust for face in parsing.faces if face.trust is not None),
            looks=parsing.looks,
        )

    def _is_done(self, output: Output | None, key: str) -> bool:
        """Return whether a writer's files of a picture exist, made from the same picture with the same options."""
        return (
            not self._run.overwrite
            and output is not None
            and output.key == key
            and all(os.path.isfile(self._run.output / file) for file in output.files)  # noqa: PTH113 (of any name)
        )

    def _files(self, job: Job, stem: str, name: str, record: Record) -> Iterator[tuple[Path, bool]]:
        """Yield existing files at a writer's output paths, and whether a run wrote them inside the output folder."""
        files = record.outputs[name].files if name in record.outputs else ()
        for ending in self._endings[name]:
            path = Writer.beside(job.stem, ending)
            if os.path.lexists(path):
                recorded = name in record.begun or f"{stem}{ending}" in files
                yield path, recorded and is_inside(path.parent, self._run.output)

    def _must_stay(self, path: Path, ours: bool) -> bool:
        """Return whether a file must not be replaced: no run wrote it, or it is an input of this run."""
        return not (ours or self._run.overwrite) or os.path.realpath(path) in self._inputs


def _is_full(error: BaseException) -> bool:
    """Return whether an error, or the system error that caused it, means a full disk."""
    causes = (error, error.__cause__)
    return any(isinstance(cause, OSError) and cause.errno in _FULL_ERRORS for cause in causes)


def _reason(error: BaseException, name: str) -> str:
    """Return an error as one line that names the picture or form."""
    if not isinstance(error, FaceparseError):
        _log.debug("%s", name, exc_info=error)
    reason = in_words(error)
    return reason if name in reason else f"{name}: {reason}"


def relative_path(path: Path, output: Path) -> str:
    """Return a path relative to the output folder, with `/` between names."""
    return Path(os.path.relpath(path, output)).as_posix()
