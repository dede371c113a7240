"""Many pictures: which files go where, and a pool that reads, parses and writes them.

Each worker takes a picture through all its steps with a one-thread network, so decoding and encoding
of some pictures run beside the networks of others and no queue holds decoded pictures.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from faceparse.errors import ConfigError, FaceparseError, OutputError
from faceparse.results import Parsing, Writer
from faceparse.runtime.picture import SUFFIXES


@dataclass(frozen=True)
class Job:
    """One picture and the path that its outputs' names begin with."""

    source: Path
    stem: Path

    def targets(self, writer: Writer) -> tuple[Path, ...]:
        """Where a writer's files go."""
        return tuple(writer.beside(self.stem, ending) for ending in writer.endings)


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `written`, `skipped` (all its outputs exist) or `failed` with a reason."""

    job: Job
    status: str
    reason: str = ""
    faces: int = 0


def find_jobs(
    inputs: Sequence[Path], output: Path, endings: Sequence[str], *, recursive: bool = False
) -> list[Job]:
    """Pictures below the inputs, each with a place of its own below `output`.

    A folder's inner paths are kept. Pictures whose stems collide (`a.jpg` beside `a.png`) keep their
    extension in the name. The output folder, and our own outputs beside their pictures, are left out.

    Raises:
        ConfigError: an input that does not exist, or no picture in any of them.
    """
    missing = [str(p) for p in inputs if not p.exists()]
    if missing:
        raise ConfigError(f"no such file or folder: {', '.join(missing)}")
    found: dict[Path, Path] = {}  # source → path relative to the output folder
    for given in inputs:
        if given.is_file():
            found.setdefault(given, Path(given.name))
            continue
        if not given.is_dir():
            raise ConfigError(f"{given} is neither a file nor a folder")
        try:
            inside = sorted(given.rglob("*") if recursive else given.iterdir())
        except OSError as error:
            raise ConfigError(f"cannot look into folder {given}: {error.strerror}") from None
        for path in inside:
            if path.suffix.lower() in SUFFIXES and path.is_file() and not _inside(path, output, given):
                found.setdefault(path, path.relative_to(given))
    names = {(source.parent, source.stem) for source in found}
    sources = {s: r for s, r in found.items() if s in inputs or not _own_output(s, names, endings)}
    if not sources:
        kinds = " ".join(SUFFIXES)
        hint = "" if recursive else "; --recursive looks into subfolders"
        raise ConfigError(f"no picture ({kinds}) in {', '.join(map(str, inputs))}{hint}")
    stems = Counter(relative.with_suffix("") for relative in sources.values())
    jobs = []
    for source, relative in sources.items():
        alone = stems[relative.with_suffix("")] == 1
        jobs.append(Job(source, output / (relative.with_suffix("") if alone else relative)))
    twice = [str(stem) for stem, n in Counter(j.stem for j in jobs).items() if n > 1]
    if twice:
        raise ConfigError(
            f"several pictures would be written as {', '.join(twice[:3])}: give their common folder with --recursive"
        )
    return jobs


def _inside(path: Path, output: Path, given: Path) -> bool:
    return output.resolve() != given.resolve() and output.resolve() in path.resolve().parents


def _own_output(path: Path, names: set[tuple[Path, str]], endings: Sequence[str]) -> bool:
    for ending in endings:
        if path.name.endswith(ending):
            base = path.name.removesuffix(ending)
            return (path.parent, base) in names or (path.parent, Path(base).stem) in names
    return False


def run_jobs(
    jobs: Sequence[Job],
    parse: Callable[[Path], Parsing],
    writers: Mapping[str, Writer],
    *,
    overwrite: bool = False,
    workers: int | None = None,
) -> Iterator[Outcome]:
    """Parse and write every job; outcomes come as they are done, a failed picture stops no other.

    Args:
        jobs: From `find_jobs`.
        parse: Called from several threads at a time.
        writers: By name.
        overwrite: Redo pictures whose outputs all exist.
        workers: Threads; as many as cores when not given.

    Raises:
        OutputError: the output folder cannot be made or written to (before any picture is read).
    """
    for folder in sorted({job.stem.parent for job in jobs}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make output folder {folder}: {error.strerror}") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"output folder {folder} is not writable: choose another with -o")

    def work(job: Job) -> Outcome:
        targets = [t for w in writers.values() for t in job.targets(w)]
        if not overwrite and all(t.exists() for t in targets):
            return Outcome(job, "skipped", "outputs exist")
        try:
            parsing = parse(job.source)
            for writer in writers.values():
                writer.write(parsing, job.stem)
        except FaceparseError as error:
            return Outcome(job, "failed", str(error))
        except (MemoryError, OSError) as error:
            return Outcome(job, "failed", f"{type(error).__name__}: {error}")
        return Outcome(job, "written", faces=len(parsing.faces))

    count = workers or os.cpu_count() or 1
    pool = ThreadPoolExecutor(count)
    waiting: set[Future[Outcome]] = set()
    try:
        for job in jobs:
            waiting.add(pool.submit(work, job))
            if len(waiting) >= 2 * count:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)
