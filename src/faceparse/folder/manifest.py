"""What the runs into a folder have done, so that a rerun does only what is missing or has changed.

`OUT/.faceparse/manifest.jsonl` grows by one line at a time, each written in one call: a process killed
at any moment leaves at most one incomplete line, which is skipped. A picture has a `begin` line before its
first file is written, and a line of its outputs when all are there; the last one counts.

>>> manifest = Manifest(Path("out"), {"model": "default"})  # doctest: +SKIP
>>> manifest.record("sub/a").outputs["mask"].files  # doctest: +SKIP
('sub/a_mask.png',)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from faceparse.errors import OutputError

FOLDER = ".faceparse"
"""Folder in the output folder that holds the manifest and the lock."""

_FILE = "manifest.jsonl"
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part")


def fingerprint(path: Path, data: bytes | None = None) -> tuple[str, ...]:
    """What tells whether a picture has changed: its name, size and time of change; empty without a file.

    The folder does not count, so that a collection can be moved. Contents are not compared, for reading them would
    take as long as parsing small pictures does; but of a picture from no file, `data`, their digest stands for the time.
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
    """What one writer made from a picture.

    Attributes:
        key: Digest of everything that it depends on, from `Manifest.key`.
        files: Paths relative to the output folder.
    """

    key: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What earlier runs recorded of one picture.

    Attributes:
        faces: Number of detected faces.
        outputs: What each writer made of it.
        interrupted: Whether writing began and did not end: files beyond `outputs` may come from that run.
    """

    faces: int = 0
    outputs: Mapping[str, Output] = field(default_factory=dict)
    interrupted: bool = False


class Manifest:
    """An open manifest; thread-safe. Removes the temporary files that a killed run left.

    Args:
        output: The run's output folder.
        identity: What outputs depend on besides the picture, such as `Parser.identity`; with another
            identity every picture is redone.

    Raises:
        OutputError: it cannot be read or written.
    """

    def __init__(self, output: Path, identity: Mapping[str, str]) -> None:
        self._output, self._path = output, output / FOLDER / _FILE
        self.run = _digest(json.dumps(dict(identity), sort_keys=True))
        self._lock = Lock()
        self._offsets: dict[str, int] = {}  # stem → where its last record begins in the file
        self._interrupted: dict[str, set[str]] = {}  # stem → writers that began since
        runs, summing_up = self._read()
        try:
            self._reader = self._path.open("rb") if self._path.exists() else None
            self._file = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666
            )
            if self._reader:
                os.write(self._file, b"\n")  # ends a line that a killed run left incomplete
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from None
        if self.run not in runs:
            self._add({"run": self.run, **identity})
        self._remove_temporary_files(summing_up)

    def close(self) -> None:
        """Close its files."""
        os.close(self._file)
        if self._reader:
            self._reader.close()

    def record(self, stem: str) -> Record:
        """What earlier runs recorded of a picture, by its stem relative to the output folder."""
        interrupted = stem in self._interrupted
        offset = self._offsets.get(stem)
        if offset is None or self._reader is None:
            return Record(interrupted=interrupted)
        with self._lock:
            self._reader.seek(offset)
            line = self._reader.readline()
        try:
            raw = json.loads(line)
            outputs = {
                writer: Output(key, tuple(files))
                for writer, (key, files) in raw["done"].items()
                if writer not in self._interrupted.get(stem, ())
            }
            return Record(int(raw["faces"]), outputs, interrupted)
        except (ValueError, KeyError, TypeError, AttributeError):  # somebody changed it
            return Record(interrupted=interrupted)

    def key(self, picture: tuple[str, ...], writer: str) -> str:
        """Digest of what an output depends on: the picture's fingerprint, the identity, the writer's `repr`."""
        return _digest(self.run, *picture, writer) if picture else ""

    def begin(self, stem: str, writers: Iterable[str]) -> None:
        """Record that writing a picture's files begins."""
        self._add({"begin": stem, "writers": list(writers)})

    def end(self, stem: str, record: Record) -> None:
        """Record that all of a picture's files are there."""
        done = {writer: [output.key, list(output.files)] for writer, output in record.outputs.items()}
        self._add({"stem": stem, "faces": record.faces, "done": done})

    def begin_summary(self) -> None:
        """Record that writing the files that sum up a run begins."""
        self._add({"finishing": True})

    def end_summary(self, files: Iterable[str]) -> None:
        """Record that the files that sum up a run are there."""
        self._add({"finished": list(files)})

    def _add(self, line: Mapping[str, object]) -> None:
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            with self._lock:
                while data:  # a full disk takes a part of it, and refuses the rest
                    data = data[os.write(self._file, data) :]
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    def _read(self) -> tuple[set[str], bool]:
        """Fill the index; return the runs in the file, and whether the last one ended while it summed up."""
        runs, summing_up = set(), False
        for offset, line in _lines(self._path):
            if "stem" in line:
                self._offsets[line["stem"]] = offset
                self._interrupted.pop(line["stem"], None)
            elif "begin" in line:
                self._interrupted.setdefault(line["begin"], set()).update(line.get("writers", ()))
            elif "run" in line:
                runs.add(line["run"])
            elif "finishing" in line or "finished" in line:
                summing_up = "finishing" in line
        return runs, summing_up

    def _remove_temporary_files(self, summing_up: bool) -> None:
        """Remove what `files.atomic` left of files that were being written when a run was killed."""
        prefixes: dict[Path, list[str]] = {self._output: [""]} if summing_up else {}
        for stem in self._interrupted:
            path = self._output / stem
            prefixes.setdefault(path.parent, []).append(path.name)
        for folder, names in prefixes.items():
            with suppress(OSError):
                for entry in list(os.scandir(folder)):
                    name = _TEMPORARY.fullmatch(entry.name)
                    if name and name[1].startswith(tuple(names)):
                        Path(entry.path).unlink(missing_ok=True)


def recorded_outputs(output: Path) -> tuple[set[str], set[str]]:
    """The stems of the outputs in a folder that runs wrote into, and the other files of these runs."""
    stems: set[str] = set()
    files: set[str] = set()
    for _, line in _lines(output / FOLDER / _FILE):
        stems.update(line[key] for key in ("stem", "begin") if key in line)
        files.update(line.get("finished", ()))
    return stems, files


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The complete lines, and where they begin."""
    offset = 0
    try:
        with path.open("rb") as file:
            for raw in file:
                with suppress(ValueError):
                    line = json.loads(raw)
                    if isinstance(line, dict):
                        yield offset, line
                offset += len(raw)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
