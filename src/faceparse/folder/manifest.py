"""A record of the runs into a folder, so that a rerun does only what is missing or has changed.

`OUT/.faceparse/manifest.jsonl` grows by one line at a time, each written in one call: a killed process leaves
at most one incomplete line, which the next run removes. A picture gets a `begin` line before its first file
is written, and a line with its outputs when all are written; the last line counts. The lines are not trusted,
because anybody may have written them: a run reads or removes only files that it would write itself.

A shard of a run writes a manifest of its own, `manifest-2-of-8.jsonl`, and every run reads all manifests. The
number `at` of a run's first line orders the lines of several files.

>>> manifest = Manifest(Path("out"), {"model": "default"})  # doctest: +SKIP
>>> manifest.record("sub/a").outputs["mask"].files  # doctest: +SKIP
('sub/a_mask.png',)
"""

from __future__ import annotations

import hashlib
import heapq
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import IO, Any

from faceparse.errors import OutputError, display_name
from faceparse.files import TEMPORARY
from faceparse.folder.shard import WHOLE, Shard
from faceparse.folder.state import FOLDER, is_inside, open_state

LONGEST = 1 << 20
"""Longest line in bytes; lines of real runs have a few thousand."""

_OUTSIDE = re.compile(r"(?s)\Z|/|(.*/)?\.\.(/|\Z)" + r"|.*[\\:]" * (os.name == "nt"))
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part")


def fingerprint(path: Path, data: bytes | None = None) -> tuple[str, ...]:
    """Return name, size and modification time of a picture, which show whether it has changed; empty without a file.

    The folder is left out, so that a collection can be moved. Contents are left out, because reading them
    takes as long as parsing small pictures; for a picture that is no file, the digest of `data` replaces the
    time.
    """
    if data is not None:
        return str(path), str(len(data)), hashlib.sha256(data).hexdigest()
    try:
        stat = path.stat()
    except OSError:
        return ()
    return path.name, str(stat.st_size), str(stat.st_mtime_ns)


@dataclass(frozen=True)
class Output:
    """The output of one writer for a picture.

    Attributes:
        key: Digest of everything that the output depends on, from `Manifest.key`.
        files: Paths relative to the output folder.
    """

    key: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """The record of one picture from earlier runs.

    Attributes:
        faces: Number of detected faces.
        outputs: Writer → its output for the picture.
        begun: Writers that began and did not finish: they may have left files that `outputs` lacks.
    """

    faces: int = 0
    outputs: Mapping[str, Output] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()


class Manifest:
    """An open manifest; thread-safe. Opening removes temporary files that a killed run left.

    Args:
        output: The run's output folder.
        identity: Values that outputs depend on besides the picture, such as `Parser.identity`; with another
            identity, every picture is redone.
        shard: The part of the run that this manifest is of.

    Raises:
        OutputError: the manifest cannot be read or written.
    """

    def __init__(self, output: Path, identity: Mapping[str, str], shard: Shard = WHOLE) -> None:
        self._output, self._path = output, output / FOLDER / f"manifest{shard.ending}.jsonl"
        self.run = _digest(json.dumps(dict(identity), sort_keys=True))
        self._lock = Lock()
        self._places: dict[str, int] = {}  # stem → file and offset of its last record, as one number
        self._begun: dict[str, set[str]] = {}  # stem → writers that have begun since that record
        self._file = open_state(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        paths = [self._path, *(path for path in _manifests(output) if path != self._path)]
        self._readers = [os.fdopen(open_state(path, os.O_RDONLY), "rb") for path in paths]
        runs, unfinished, summing_up, length, at = self._read()
        os.ftruncate(self._file, length)  # removes an incomplete line of a killed run
        if [*runs[0]][-1:] != [self.run] or len(paths) > 1:
            self._add({"run": self.run, "at": at + 1, **identity})
        self._remove_temporary_files(unfinished if shard.ending else self._begun, summing_up)
        for path, settings in zip(paths[1:], runs[1:], strict=True):
            if (
                shard.ending
                and path.name.endswith(f"-of-{shard.count}.jsonl")
                and [*settings][-1:] != [self.run]
            ):
                text = "note: %s is of another model or other settings, so results of both lie in %s: run that shard again too"
                logging.getLogger(__name__).warning(text, path.stem, display_name(output))

    def close(self) -> None:
        """Close the manifest's files."""
        os.close(self._file)
        for reader in self._readers:
            reader.close()

    def record(self, stem: str) -> Record:
        """Return the record of a picture from earlier runs; `stem` is relative to the output folder."""
        begun = frozenset(self._begun.get(stem, ()))
        if stem not in self._places:
            return Record(begun=begun)
        offset, index = divmod(self._places[stem], len(self._readers))
        with self._lock:
            self._readers[index].seek(offset)
            line = _parse(self._readers[index].readline(LONGEST)) or {"faces": 0, "done": {}}
        done = line["done"].items()
        outputs = {name: Output(key, tuple(files)) for name, (key, files) in done if name not in begun}
        return Record(line["faces"], outputs, begun)

    def key(self, picture: tuple[str, ...], writer: str) -> str:
        """Return a digest of an output's dependencies: the picture's fingerprint, the identity, the writer's `repr`."""
        return _digest(self.run, *picture, writer) if picture else ""

    def begin(self, stem: str, writers: Iterable[str]) -> None:
        """Record that writing a picture's files begins."""
        self._add({"begin": stem, "writers": list(writers)})

    def end(self, stem: str, record: Record) -> None:
        """Record that all of a picture's files are written."""
        done = {writer: [output.key, list(output.files)] for writer, output in record.outputs.items()}
        self._add({"stem": stem, "faces": record.faces, "done": done})

    def begin_summary(self) -> None:
        """Record that writing the files that summarise a run begins."""
        self._add({"finishing": True})

    def end_summary(self, files: Iterable[str]) -> None:
        """Record that the files that summarise a run are written."""
        self._add({"finished": list(files)})

    def _add(self, line: Mapping[str, object]) -> None:
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            length = os.fstat(self._file).st_size
            try:
                while data:  # a full disk may write only a part
                    data = data[os.write(self._file, data) :]
            except OSError as error:
                os.ftruncate(self._file, length)
                raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    def _read(self) -> tuple[list[dict[str, None]], set[str], bool, int, int]:
        """Fill the index.

        Returns:
            The runs in each file; the unfinished stems, whether the last run ended while summarising, and the length
            of the first file; and the number of the latest run of all.
        """
        files, summing_up, length, latest = len(self._readers), False, 0, 0
        runs: list[dict[str, None]] = [{} for _ in self._readers]
        unfinished: set[str] = set()
        in_order = heapq.merge(*map(_dated, range(files), self._readers), key=itemgetter(0))
        for at, index, start, stop, line in in_order:
            latest = at
            if "stem" in line:
                self._places[line["stem"]] = start * files + index
                self._begun.pop(line["stem"], None)
                unfinished.discard(line["stem"])
            elif "begin" in line:
                self._begun.setdefault(line["begin"], set()).update(line.get("writers", ()))
                unfinished.update([line["begin"]] * (index == 0))
            elif "run" in line:
                runs[index].pop(line["run"], None)
                runs[index][line["run"]] = None
            elif index == 0 and ("finishing" in line or "finished" in line):
                summing_up = "finishing" in line
            if index == 0:
                length = stop
        return runs, unfinished, summing_up, length, latest

    def _remove_temporary_files(self, stems: Iterable[str], summing_up: bool) -> None:
        """Remove temporary files of `files.atomic` that a killed run left."""
        prefixes: dict[Path, list[str]] = {self._output: [""]} if summing_up else {}
        for stem in stems:
            path = self._output / stem
            if is_inside(path.parent, self._output):
                prefixes.setdefault(path.parent, []).append(path.name[:TEMPORARY])
        for folder, names in prefixes.items():
            with suppress(OSError, ValueError):  # ValueError: an impossible file name
                for entry in list(os.scandir(folder)):
                    name = _TEMPORARY.fullmatch(entry.name)
                    if name and name[1].startswith(tuple(names)):
                        Path(entry.path).unlink(missing_ok=True)


def recorded_outputs(output: Path) -> tuple[set[str], set[str]]:
    """Return the stems of outputs that a folder's manifests record, and the other files of its runs.

    A warning tells how many damaged lines were skipped.
    """
    stems: set[str] = set()
    files: set[str] = set()
    for path in _manifests(output):
        damaged = 0
        with os.fdopen(open_state(path, os.O_RDONLY), "rb") as file:
            for _, _, line in _lines(file):
                stems.update(line[key] for key in ("stem", "begin") if key in line)
                files.update(line.get("finished", ()))
                damaged += not line
        if damaged:
            text = "warning: %s: %d damaged lines skipped, whose pictures count as not recorded"
            logging.getLogger(__name__).warning(text, display_name(path), damaged)
    return stems, files


def recorded_schemes(output: Path) -> set[str]:
    """Return the names of the schemes that the runs into a folder recorded."""
    names: set[str] = set()
    for path in _manifests(output):
        with os.fdopen(open_state(path, os.O_RDONLY), "rb") as file:
            names.update(
                str(line["scheme"]) for _, _, line in _lines(file) if "run" in line and "scheme" in line
            )
    return names


def _manifests(output: Path) -> list[Path]:
    """Return the manifests of a folder: of whole runs, and of shards."""
    return sorted((output / FOLDER).glob("manifest*.jsonl"))


def _dated(index: int, file: IO[bytes]) -> Iterator[tuple[int, int, int, int, dict[str, Any]]]:
    """Yield the number of the run that wrote it, `index`, start, end and content of each line."""
    at = 0
    for start, stop, line in _lines(file):
        at = max(at, line.get("at", 0))
        yield at, index, start, stop, line


def _lines(file: IO[bytes]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield start, end and content of the complete, nonempty lines; a damaged line has empty content."""
    end = 0
    while raw := file.readline(LONGEST):
        if len(raw) < LONGEST and not raw.endswith(b"\n"):
            return
        start, end = end, end + len(raw)
        if raw.strip():
            yield start, end, _parse(raw)


def _parse(raw: bytes) -> dict[str, Any]:
    """Return the content of a valid line whose paths stay in the output folder; empty for any other line."""
    try:
        line = json.loads(raw)
        places = [line[key] for key in ("stem", "begin") if key in line] + line.get("finished", [])
        texts = [line.get("run", ""), *line.get("writers", [])]
        if "at" in line:
            line["at"] = min(int(line["at"]), 1 << 53)
        if "stem" in line:
            line["faces"] = int(line["faces"])
            texts += [text for key, files in line["done"].values() for text in (key, *files)]
        "".join(texts)  # raises TypeError if one is not text
        if not any(map(_OUTSIDE.match, places)):
            return dict(line)
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError):
        pass
    return {}


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
