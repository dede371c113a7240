"""The pictures in folders and behind patterns, less hidden files and the outputs of runs."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from faceparse.errors import ConfigError, display_name
from faceparse.folder.outputs import OutputFolder
from faceparse.pictures.reader import SUFFIXES


class PicturePath(NamedTuple):
    """Where a picture lies and where its outputs go.

    Attributes:
        folder: Its folder, by the path that led there.
        subfolder: Its outputs' folder below the output folder, `/` between names; empty for that itself.
        name: Its file name.
        real: Its real path.
    """

    folder: str
    subfolder: str
    name: str
    real: str


class Walker:
    """Looks into folders.

    Args:
        output: The run's output folder. It is not looked into, unless it is the folder asked for.
        endings: What the names of outputs end with.

    Attributes:
        unreadable: Folders that cannot be looked into, and why.
    """

    def __init__(self, output: str, endings: Sequence[str]) -> None:
        self._output, self._endings = os.path.realpath(output), endings
        self._output_folder = OutputFolder.at(self._output)
        self.unreadable: list[tuple[str, str]] = []

    def walk(self, top: str, recursive: bool) -> Iterator[PicturePath]:
        """A folder's pictures, each subfolder once; links come last, so that pictures keep their real places.

        Raises:
            ConfigError: the folder cannot be read.
        """
        real_top = os.path.realpath(top)
        outer = (self._output_folder,) if self._output_folder and within(real_top, self._output) else ()
        pending = [_Folder(top, real_top, "", outer)]
        links: deque[PicturePath] = deque()
        visited: set[str] = set()
        while pending or links:
            if not pending:
                link = links.popleft()
                path = os.path.join(link.folder, link.name)
                real = os.path.realpath(path)
                if not os.path.isdir(real):
                    if is_picture(link.name):
                        yield link._replace(real=real)
                elif recursive:
                    pending.append(_Folder(path, real, join(link.subfolder, link.name), ()))
                continue
            folder = pending.pop()
            if folder.real in visited or (folder.real == self._output and folder.real != real_top):
                continue
            visited.add(folder.real)
            inner = []
            for entry in self._entries(folder, top):
                if entry.is_symlink():
                    links.append(folder.picture(entry.name))
                elif entry.is_dir():
                    inner.append(folder.inner(entry.name))
                elif folder.offers(entry, self._endings):
                    yield folder.picture(entry.name)
            pending += reversed(inner if recursive else [])

    def match(self, pattern: str) -> Iterator[PicturePath]:
        """The pictures that match a pattern; subfolders begin with its first wildcard."""
        base, wild = _split(pattern)
        if "**" in wild:
            below = self.walk(base or os.curdir, True)
            matches: Iterator[PicturePath] = (
                p for p in below if _matches(join(p.subfolder, p.name).split("/"), wild)
            )
        else:
            matches = _glob(pattern, base)
        for picture in matches:
            folder = os.path.realpath(picture.folder or os.curdir)
            if not (self._output_folder and self._output_folder.wrote(folder, picture.name, self._endings)):
                yield picture

    def _entries(self, folder: _Folder, top: str) -> list[os.DirEntry[str]]:
        """What is in a folder, by name, less hidden files."""
        try:
            with os.scandir(folder.path) as entries:
                return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            problem = f"cannot look into folder {display_name(folder.path)}: {error.strerror}"
            if folder.path == top:
                raise ConfigError(problem) from None
            self.unreadable.append((folder.path, problem))
            return []


@dataclass(frozen=True)
class _Folder:
    """A folder to look into, and the output folders around it."""

    path: str
    real: str
    subfolder: str
    outer: tuple[OutputFolder, ...]

    def inner(self, name: str) -> _Folder:
        """A folder in it."""
        path, real = os.path.join(self.path, name), os.path.join(self.real, name)
        return _Folder(path, real, join(self.subfolder, name), self.output_folders)

    def picture(self, name: str) -> PicturePath:
        """A picture in it."""
        return PicturePath(self.path, self.subfolder, name, os.path.join(self.real, name))

    def offers(self, entry: os.DirEntry[str], endings: Sequence[str]) -> bool:
        """Whether an entry is a picture and no output of a run."""
        return (
            is_picture(entry.name)
            and entry.is_file()
            and not any(o.wrote(self.real, entry.name, endings) for o in self.output_folders)
        )

    @cached_property
    def output_folders(self) -> tuple[OutputFolder, ...]:
        """The output folders around it, and itself where a run wrote into it."""
        if any(o.folder == self.real for o in self.outer):
            return self.outer
        this = OutputFolder.at(self.real)
        return (*self.outer, this) if this else self.outer


def is_picture(name: str) -> bool:
    """Whether a file in a folder is taken for a picture, by its name."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def is_pattern(text: str) -> bool:
    """Whether it has wildcards."""
    return re.search(r"[*?[]", text) is not None


def within(path: str, folder: str) -> bool:
    """Whether a real path is a folder's or lies below it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def join(subfolder: str, name: str) -> str:
    """A name below a subfolder, which may be empty."""
    return f"{subfolder}/{name}" if subfolder else name


def _glob(pattern: str, base: str) -> Iterator[PicturePath]:
    for path in sorted(glob.iglob(pattern)):
        folder, name = os.path.split(path)
        if is_picture(name) and os.path.isfile(path):
            inside = os.path.relpath(folder or os.curdir, base or os.curdir).replace(os.sep, "/")
            yield PicturePath(folder, "" if inside == "." else inside, name, os.path.realpath(path))


def _split(pattern: str) -> tuple[str, list[str]]:
    """A pattern's folder before its first wildcard, and the names from there on."""
    names = pattern.replace(os.sep, "/").split("/")
    first = next(i for i, name in enumerate(names) if is_pattern(name))
    base = "/".join(names[:first])
    return base if base or not first else "/", names[first:]


def _matches(names: list[str], pattern: list[str]) -> bool:
    """Whether the names of a path match those of a pattern.

    >>> _matches(["a", "b", "c.jpg"], ["**", "*.jpg"]), _matches(["c.png"], ["**", "*.jpg"])
    (True, False)
    """
    if not pattern:
        return not names
    if pattern[0] == "**":
        return _matches(names, pattern[1:]) or bool(names and _matches(names[1:], pattern))
    return bool(names) and fnmatch.fnmatchcase(names[0], pattern[0]) and _matches(names[1:], pattern[1:])
