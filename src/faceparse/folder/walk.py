"""Find the pictures in folders and matching patterns, except hidden files and outputs of runs."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faceparse.errors import ConfigError, display_name
from faceparse.folder.outputs import Outputs
from faceparse.pictures.reader import SUFFIXES


class PicturePath(NamedTuple):
    """The path of a picture and the folder of its outputs.

    Attributes:
        folder: The picture's folder, by the path that led there.
        subfolder: Folder of the outputs, relative to the output folder, with `/` between names; empty for the
            output folder itself.
        name: File name.
        real: Real path, with links resolved.
    """

    folder: str
    subfolder: str
    name: str
    real: str


class Walker:
    """Searches folders for pictures.

    Args:
        output: The run's output folder, which is skipped unless it is the folder to search.
        endings: Endings of the outputs' names.

    Attributes:
        unreadable: Folders that cannot be read, and why.
        left_out: Number of pictures left out because manifests in other folders than `output` name them.
    """

    def __init__(self, output: str, endings: Sequence[str]) -> None:
        self._output = os.path.realpath(output)
        self._own, self._others = Outputs(endings), Outputs(endings)
        self._own.read(self._output)
        self.left_out = 0
        self.unreadable: list[tuple[str, str]] = []

    def walk(self, top: str, recursive: bool) -> Iterator[PicturePath]:
        """Yield a folder's pictures, each subfolder once; links come last, so that pictures keep their real places.

        Raises:
            ConfigError: the folder cannot be read.
        """
        pending = [_Folder(top, os.path.realpath(top), "")]
        visited = {self._output} - {pending[0].real}
        links: deque[PicturePath] = deque()
        while pending or links:
            if not pending:
                link = links.popleft()
                path = os.path.join(link.folder, link.name)
                real = os.path.realpath(path)
                if not os.path.isdir(real):
                    if is_picture(link.name):
                        yield link._replace(real=real)
                elif recursive:
                    pending.append(_Folder(path, real, join(link.subfolder, link.name)))
                continue
            folder = pending.pop()
            if folder.real in visited:
                continue
            visited.add(folder.real)
            if folder.real != self._output:
                self._others.read(folder.real)
            inner = []
            for entry in self._entries(folder.path, top):
                name = entry.name
                path, real = os.path.join(folder.path, name), os.path.join(folder.real, name)
                picture = PicturePath(folder.path, folder.subfolder, name, real)
                if entry.is_symlink():
                    links.append(picture)
                elif entry.is_dir():
                    inner.append(_Folder(path, real, join(folder.subfolder, name)))
                elif is_picture(name) and entry.is_file() and not self._is_output(folder.real, name):
                    yield picture
            pending += reversed(inner if recursive else [])

    def match(self, pattern: str) -> Iterator[PicturePath]:
        """Yield the pictures that match a pattern; `subfolder` begins at the pattern's first wildcard."""
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
            if not self._is_output(folder, picture.name):
                yield picture

    def _is_output(self, folder: str, name: str) -> bool:
        own = self._own.hold(folder, name)
        other = not own and self._others.hold(folder, name)
        self.left_out += other
        return own or other

    def _entries(self, folder: str, top: str) -> list[os.DirEntry[str]]:
        """Return the entries of a folder, sorted by name, without hidden files."""
        try:
            with os.scandir(folder) as entries:
                return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            problem = f"cannot look into folder {display_name(folder)}: {error.strerror}"
            if folder == top:
                raise ConfigError(problem) from None
            self.unreadable.append((folder, problem))
            return []


class _Folder(NamedTuple):
    """A folder to search: its path, its real path, and the folder of its outputs."""

    path: str
    real: str
    subfolder: str


def is_picture(name: str) -> bool:
    """Return whether a file in a folder is taken for a picture, by its name."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def is_pattern(text: str) -> bool:
    """Return whether a text contains wildcards."""
    return re.search(r"[*?[]", text) is not None


def join(subfolder: str, name: str) -> str:
    """Return a name below a subfolder, which may be empty."""
    return f"{subfolder}/{name}" if subfolder else name


def _glob(pattern: str, base: str) -> Iterator[PicturePath]:
    for path in sorted(glob.iglob(pattern)):
        folder, name = os.path.split(path)
        if is_picture(name) and os.path.isfile(path):
            inside = os.path.relpath(folder or os.curdir, base or os.curdir).replace(os.sep, "/")
            yield PicturePath(folder, "" if inside == "." else inside, name, os.path.realpath(path))


def _split(pattern: str) -> tuple[str, list[str]]:
    """Split a pattern into the folder before its first wildcard and the remaining names."""
    names = pattern.replace(os.sep, "/").split("/")
    first = next(i for i, name in enumerate(names) if is_pattern(name))
    base = "/".join(names[:first])
    return base if base or not first else "/", names[first:]


def _matches(names: list[str], pattern: list[str]) -> bool:
    """Return whether the names of a path match the names of a pattern.

    >>> _matches(["a", "b", "c.jpg"], ["**", "*.jpg"]), _matches(["c.png"], ["**", "*.jpg"])
    (True, False)
    """
    if not pattern:
        return not names
    if pattern[0] == "**":
        return _matches(names, pattern[1:]) or bool(names and _matches(names[1:], pattern))
    return bool(names) and fnmatch.fnmatchcase(names[0], pattern[0]) and _matches(names[1:], pattern[1:])
