"""The pictures in folders and behind patterns; links are followed once, results of ours passed over."""

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

from faceparse.errors import ConfigError, shown
from faceparse.folder.results import Owner
from faceparse.pictures.reader import SUFFIXES


class Found(NamedTuple):
    """A picture: its folder as it was reached, that folder's place below the output, its file name."""

    folder: str
    place: str
    name: str


class Walker:
    """Looks into folders.

    Args:
        output: The run's output folder; not looked into, unless it is what is asked for.
        endings: Of results' names.

    Attributes:
        unreadable: Folders that could not be looked into, and why.
    """

    def __init__(self, output: str, endings: Sequence[str]) -> None:
        self._output, self._endings = os.path.realpath(output), endings
        self._owner = Owner.of(self._output)
        self.unreadable: list[tuple[str, str]] = []

    def folder(self, top: str, recursive: bool, seen: dict[str, tuple[str, str]]) -> Iterator[Found]:
        """A folder's pictures; each folder once, noted in `seen`: real path → path and place.

        What links lead to comes last, so that pictures keep their real places.

        Raises:
            ConfigError: the folder cannot be read.
        """
        real_top = os.path.realpath(top)
        owners = (self._owner,) if self._owner and within(real_top, self._output) else ()
        pending = [_Folder(top, real_top, "", owners)]
        links: deque[Found] = deque()
        while pending or links:
            if pending:
                folder = pending.pop()
                if folder.real in seen or (folder.real == self._output and folder.real != real_top):
                    continue
                seen[folder.real] = folder.path, folder.place
                inner = []
                for entry in self._entries(folder, top):
                    if entry.is_symlink():
                        links.append(Found(folder.path, folder.place, entry.name))
                    elif entry.is_dir():
                        inner.append(folder.inner(entry.name))
                    elif folder.offers(entry, self._endings):
                        yield Found(folder.path, folder.place, entry.name)
                pending += reversed(inner if recursive else [])
                continue
            link = links.popleft()
            path = os.path.join(link.folder, link.name)
            real = os.path.realpath(path)
            if os.path.isdir(real):
                if recursive:
                    pending.append(_Folder(path, real, join(link.place, link.name), ()))
            elif is_picture(link.name) and not (
                os.path.dirname(real) in seen and is_picture(os.path.basename(real))
            ):
                yield link

    def pattern(self, pattern: str) -> Iterator[Found]:
        """The pictures that a pattern fits; places begin where its wildcards do."""
        base, parts = _split(pattern)
        if "**" in parts:
            found_below = self.folder(base or os.curdir, True, {})
            fitting: Iterator[Found] = (f for f in found_below if _fits(f, parts))
        else:
            fitting = self._globbed(pattern, base)
        for found in fitting:
            real = os.path.realpath(found.folder or os.curdir)
            if not (self._owner and self._owner.wrote(real, found.name, self._endings)):
                yield found

    @staticmethod
    def _globbed(pattern: str, base: str) -> Iterator[Found]:
        for path in sorted(glob.iglob(pattern)):
            folder, name = os.path.split(path)
            if is_picture(name) and os.path.isfile(path):
                inside = os.path.relpath(folder or os.curdir, base or os.curdir).replace(os.sep, "/")
                yield Found(folder, "" if inside == "." else inside, name)

    def _entries(self, folder: _Folder, top: str) -> list[os.DirEntry[str]]:
        """What is in a folder, by name, less what is hidden."""
        try:
            with os.scandir(folder.path) as entries:
                return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            problem = f"cannot look into folder {shown(folder.path)}: {error.strerror}"
            if folder.path == top:
                raise ConfigError(problem) from None
            self.unreadable.append((folder.path, problem))
            return []


@dataclass(frozen=True)
class _Folder:
    """A folder to look into, and those that runs wrote into around it."""

    path: str
    real: str
    place: str
    outer: tuple[Owner, ...]

    def inner(self, name: str) -> _Folder:
        """A folder in it."""
        path, real = os.path.join(self.path, name), os.path.join(self.real, name)
        return _Folder(path, real, join(self.place, name), self.owners)

    def offers(self, entry: os.DirEntry[str], endings: Sequence[str]) -> bool:
        """Whether an entry is a picture and no result of a run."""
        return (
            is_picture(entry.name)
            and entry.is_file()
            and not any(owner.wrote(self.real, entry.name, endings) for owner in self.owners)
        )

    @cached_property
    def owners(self) -> tuple[Owner, ...]:
        """Those around it, and itself where a run wrote into it."""
        own = None if any(o.folder == self.real for o in self.outer) else Owner.of(self.real)
        return (*self.outer, own) if own else self.outer


def is_picture(name: str) -> bool:
    """Whether a file in a folder is taken for a picture, by its name."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def is_pattern(text: str) -> bool:
    """Whether it has wildcards."""
    return re.search(r"[*?[]", text) is not None


def within(path: str, folder: str) -> bool:
    """Whether a real path is a folder's or lies below it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def join(place: str, name: str) -> str:
    """A place's inner one."""
    return f"{place}/{name}" if place else name


def _split(pattern: str) -> tuple[str, list[str]]:
    """A pattern's folder before its first wildcard, and its other parts."""
    parts = pattern.replace(os.sep, "/").split("/")
    first = next(i for i, part in enumerate(parts) if is_pattern(part))
    base = "/".join(parts[:first])
    return base if base or not first else "/", parts[first:]


def _fits(found: Found, pattern: Sequence[str]) -> bool:
    return _matches(join(found.place, found.name).split("/"), list(pattern))


def _matches(names: list[str], pattern: list[str]) -> bool:
    """Whether a path's parts fit a pattern's.

    >>> _matches(["a", "b", "c.jpg"], ["**", "*.jpg"]), _matches(["c.png"], ["**", "*.jpg"])
    (True, False)
    """
    if not pattern:
        return not names
    if pattern[0] == "**":
        return _matches(names, pattern[1:]) or bool(names and _matches(names[1:], pattern))
    return bool(names) and fnmatch.fnmatchcase(names[0], pattern[0]) and _matches(names[1:], pattern[1:])
