"""What a folder's runs have done, so that a rerun does only what is missing or has changed.

`OUT/.faceparse/manifest.jsonl` grows by one line at a time, each written in one call: a process killed
at any moment leaves at most one line cut short, which is passed over. Lines of one picture: `begin` before the
first of its files is written, and what was written, when and by what, when all are there; the last one counts.

>>> manifest = Manifest(Path("out"), {"model": "default"})  # doctest: +SKIP
>>> manifest.record("sub/a").done["mask"].files  # doctest: +SKIP
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
_PART = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part")


@dataclass(frozen=True)
class Source:
    """What tells whether a picture has changed: its name, size in bytes and time of change in nanoseconds.

    The folder does not count, so that a collection can be moved. Contents are not compared: reading
    them would take as long as parsing small pictures does.
    """

    name: str
    size: int
    time: int

    @classmethod
    def of(cls, path: Path, data: bytes | None = None) -> Source | None:
        """That of a file, or of bytes from no file; None where there is no such file."""
        if data is not None:
            return cls(str(path), len(data), int.from_bytes(hashlib.sha256(data).digest()[:7]))
        try:
            stat = path.stat()
        except OSError:
            return None
        return cls(path.name, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class Written:
    """What one writer made of a picture.

    Attributes:
        key: Digest of all that it depends on, from `Manifest.key`.
        files: Relative to the output folder.
    """

    key: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What is known of one picture's results.

    Attributes:
        faces: How many were found.
        done: By writer.
        begun: Whether writing began and did not end: files without a record in `done` may be ours.
    """

    faces: int = 0
    done: Mapping[str, Written] = field(default_factory=dict)
    begun: bool = False


class Manifest:
    """An open manifest; thread-safe. Removes the temporary files that a killed run left.

    Args:
        output: The run's output folder.
        made_by: What its results depend on, such as `Parser.identity`; one change makes all be redone.

    Raises:
        OutputError: it cannot be read or written.
    """

    def __init__(self, output: Path, made_by: Mapping[str, str]) -> None:
        self._output, self._path = output, output / FOLDER / _FILE
        self.run = _digest(json.dumps(dict(made_by), sort_keys=True))
        self._lock = Lock()
        self._at: dict[str, int] = {}  # stem → where its last record is in the file
        self._begun: dict[str, set[str]] = {}  # stem → writers at work since
        runs, finishing = self._read()
        try:
            self._reader = self._path.open("rb") if self._path.exists() else None
            self._file = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from None
        self._cut = not _ends_well(self._path)
        if self.run not in runs:
            self._add({"run": self.run, **made_by})
        self._remove_parts(finishing)

    def close(self) -> None:
        """Close its files."""
        os.close(self._file)
        if self._reader:
            self._reader.close()

    def record(self, stem: str) -> Record:
        """What earlier runs did about a picture, by its stem relative to the output folder."""
        begun = self._begun.get(stem)
        at = self._at.get(stem)
        if at is None or self._reader is None:
            return Record(begun=begun is not None)
        with self._lock:
            self._reader.seek(at)
            line = self._reader.readline()
        try:
            found = json.loads(line)
            done = {
                writer: Written(key, tuple(files))
                for writer, (key, files) in found["done"].items()
                if writer not in (begun or ())
            }
            return Record(int(found["faces"]), done, begun is not None)
        except (ValueError, KeyError, TypeError, AttributeError):  # somebody changed it
            return Record(begun=begun is not None)

    def key(self, source: Source, writer: str) -> str:
        """Digest of what a result depends on: the picture, the model and options, the writer's `repr`."""
        return _digest(self.run, source.name, str(source.size), str(source.time), writer)

    def begin(self, stem: str, writers: Iterable[str]) -> None:
        """Writing a picture's files begins."""
        self._add({"begin": stem, "writers": list(writers)})

    def end(self, stem: str, record: Record) -> None:
        """All of a picture's files are there."""
        done = {writer: [w.key, list(w.files)] for writer, w in record.done.items()}
        self._add({"stem": stem, "faces": record.faces, "done": done})

    def finishing(self) -> None:
        """Writing the files that sum up a run begins."""
        self._add({"finishing": True})

    def finished(self, files: Iterable[str]) -> None:
        """They are all there."""
        self._add({"finished": list(files)})

    def _add(self, line: Mapping[str, object]) -> None:
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._cut:
                data = b"\n" + data
            try:
                written = os.write(self._file, data)
                self._cut = written < len(data)
                if self._cut:
                    os.write(self._file, data[written:])
                    self._cut = False
            except OSError as error:
                raise OutputError(f"cannot write {self._path}: {error.strerror}") from error

    def _read(self) -> tuple[set[str], bool]:
        """Fill the index; the runs that are described, and whether a run ended while it was summing up."""
        runs, finishing = set(), False
        for at, line in _lines(self._path):
            if "stem" in line:
                self._at[line["stem"]] = at
                self._begun.pop(line["stem"], None)
            elif "begin" in line:
                self._begun.setdefault(line["begin"], set()).update(line.get("writers", ()))
            elif "run" in line:
                runs.add(line["run"])
            elif "finishing" in line or "finished" in line:
                finishing = "finishing" in line
        return runs, finishing

    def _remove_parts(self, finishing: bool) -> None:
        """Remove what `files.atomic` left of files that were being written when a run was killed."""
        unfinished: dict[Path, list[str]] = {}
        for stem in self._begun:
            path = self._output / stem
            unfinished.setdefault(path.parent, []).append(path.name)
        if finishing:
            unfinished[self._output] = [""]
        for folder, names in unfinished.items():
            with suppress(OSError):
                for entry in list(os.scandir(folder)):
                    part = _PART.fullmatch(entry.name)
                    if part and part[1].startswith(tuple(names)):
                        Path(entry.path).unlink(missing_ok=True)


def known(output: Path) -> tuple[set[str], set[str]]:
    """Of a folder that runs wrote into: the stems of its pictures' results, and the other files of its runs."""
    stems: set[str] = set()
    files: set[str] = set()
    for _, line in _lines(output / FOLDER / _FILE):
        stems.update(line[key] for key in ("stem", "begin") if key in line)
        files.update(line.get("finished", ()))
    return stems, files


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines that are whole, and where they begin."""
    at = 0
    try:
        with path.open("rb") as file:
            for raw in file:
                with suppress(ValueError):
                    line = json.loads(raw)
                    if isinstance(line, dict):
                        yield at, line
                at += len(raw)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
