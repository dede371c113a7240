"""Which pictures a run is about: files, folders, patterns, lists.

>>> jobs = find_jobs(["photos", "more/*.jpg"], Path("out"), ["_mask.png"])  # doctest: +SKIP
>>> len(jobs)  # doctest: +SKIP
1204
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceparse.errors import ConfigError, shown
from faceparse.folder.jobs import Group, Job, Jobs
from faceparse.folder.results import without_results
from faceparse.folder.walk import Found, Walker, is_pattern, is_picture
from faceparse.pictures.reader import SUFFIXES, not_fetched


def find_jobs(
    inputs: Iterable[str | Path],
    output: str | Path,
    endings: Iterable[str],
    *,
    listed: Iterable[str] = (),
    recursive: bool = False,
    root: str | Path | None = None,
    data: bytes | None = None,
) -> Jobs:
    """Pictures among the inputs, each with a place of its own below `output`.

    A file goes to `output` by its name. A folder's and a pattern's inner paths are kept, a pattern's from
    its first wildcard on; so are relative paths of a list. Pictures whose stems collide (`a.jpg` beside
    `a.png`) keep their extension in the name.

    Left out of folders and patterns: names that begin with a dot, the output folder, results of this
    or earlier runs, and whatever links lead to a second time; so loops of links end.

    Args:
        inputs: Files, folders, and patterns (`*`, `?`, `[ab]`, and `**` for any folders) that are no file's name.
        output: The output folder.
        endings: Of all results' names, `Writer.endings`: also of writers that this run does without.
        listed: Files, from `read_list`. One that is missing or no file becomes a job with a problem.
        recursive: Look into folders' subfolders.
        root: Files, listed ones too, keep their paths below this folder.
        data: One more picture, from no file; its name is `stdin`.

    Raises:
        ConfigError: an input that does not exist, no picture in any of them, a file outside `root`, or
            pictures of several folders that would be written as the same file.
    """
    finder = _Finder(Path(output), tuple(endings), None if root is None else os.path.abspath(root))
    named = [os.fspath(given) for given in inputs]
    missing = [g for g in named if not os.path.exists(g) and not is_pattern(g)]
    if missing:
        names = ", ".join(shown(m) for m in missing)
        raise ConfigError(f"no such file or folder: {names}{not_fetched(names)}")
    for given in named:
        finder.add(given, recursive)
    for path in listed:
        finder.add_listed(path)
    if data is not None:
        finder.extra.append(Job(Path("-"), Path(output, "stdin"), data=data))
    jobs = finder.jobs()
    if not jobs:
        hint = "" if recursive else "; --recursive looks into subfolders"
        raise ConfigError(f"no picture ({' '.join(SUFFIXES)}) in {', '.join(named) or 'the list'}{hint}")
    return jobs


def read_list(content: bytes) -> Iterator[str]:
    r"""Paths of a list: one a line, or with NUL between them as `find -print0` writes them.

    >>> list(read_list(b"a.jpg\nsub/b c.jpg\n"))
    ['a.jpg', 'sub/b c.jpg']
    """
    separator = b"\0" if b"\0" in content else b"\n"
    for part in content.split(separator):
        part = part.removesuffix(b"\r")
        if part.strip():
            yield os.fsdecode(part)


class _Finder:
    """Gathers pictures by folder; real paths tell what was reached before."""

    def __init__(self, output: Path, endings: tuple[str, ...], root: str | None) -> None:
        self._output, self._endings, self._root = output, endings, root
        self._walker = Walker(os.fspath(output), endings)
        self._groups: dict[tuple[str, str], Group] = {}
        self._given: dict[str, set[str]] = {}  # names given one by one, by folder
        self._folders: dict[str, tuple[str, str]] = {}  # real path of those looked into → path, place
        self._files: set[str] = set()  # real paths of files given by name, by a pattern or by a link
        self.extra: list[Job] = []

    def jobs(self) -> Jobs:
        for (folder, _), group in self._groups.items():
            group.names = without_results(group.names, self._given.get(folder, ()), self._endings)
        unreadable = (Job(Path(path), self._output, problem) for path, problem in self._walker.unreadable)
        return Jobs(self._groups.values(), self._output, [*self.extra, *unreadable], self._endings)

    def add(self, given: str, recursive: bool) -> None:
        if os.path.isfile(given):
            self._named(given, self._below_root(given))
        elif os.path.isdir(given):
            for found in self._walker.folder(given, recursive, self._folders):
                self._found(found)
        elif os.path.exists(given):
            raise ConfigError(f"{given} is neither a file nor a folder")
        elif not self._fitting(given):
            raise ConfigError(f"no picture ({' '.join(SUFFIXES)}) fits {given}")

    def add_listed(self, path: str) -> None:
        if os.path.isfile(path):
            place = self._below_root(path)
            if self._root is None and not os.path.isabs(path):
                folder = os.path.normpath(os.path.dirname(path)).replace(os.sep, "/")
                place = "" if folder.split("/")[0] in (".", "..") else folder
            self._named(path, place)
            return
        what = "is a folder: a list names pictures" if os.path.isdir(path) else "is no file"
        problem = f"{shown(path)} {what}" if os.path.lexists(path) else f"no such file: {shown(path)}"
        self.extra.append(Job(Path(path), self._output, problem))

    def _below_root(self, path: str) -> str:
        if self._root is None:
            return ""
        inside = os.path.relpath(os.path.dirname(os.path.abspath(path)), self._root).replace(os.sep, "/")
        if inside.split("/")[0] == "..":
            raise ConfigError(f"{path} is not below --root {self._root}")
        return "" if inside == "." else inside

    def _named(self, path: str, place: str) -> None:
        """Take a file that was given by name, whatever its name is."""
        real = os.path.realpath(path)
        folder, name = os.path.split(path)
        if os.path.dirname(real) in self._folders:
            folder, place = self._folders[os.path.dirname(real)]
            name = os.path.basename(real)
            group = self._groups.get((folder, place))
            if group and name in group.names:
                self._given.setdefault(folder, set()).add(name)
                return
        if real not in self._files:
            self._files.add(real)
            self._given.setdefault(folder, set()).add(name)
            self._take(Found(folder, place, name))

    def _found(self, found: Found) -> None:
        """Take a file that lies in a folder, unless it was taken before."""
        path = os.path.join(found.folder, found.name)
        linked = os.path.islink(path)
        if linked or self._files:
            real = os.path.realpath(path)
            if real in self._files:
                return
            if linked:
                self._files.add(real)
        self._take(found)

    def _fitting(self, pattern: str) -> bool:
        """Take what a pattern fits and was not taken before; whether it fits anything."""
        any_fits = False
        for found in self._walker.pattern(pattern):
            any_fits = True
            real = os.path.realpath(os.path.join(found.folder, found.name))
            taken = os.path.dirname(real) in self._folders and is_picture(os.path.basename(real))
            if real not in self._files and not taken:
                self._files.add(real)
                self._take(found)
        return any_fits

    def _take(self, found: Found) -> None:
        key = found.folder, found.place
        self._groups.setdefault(key, Group(*key, [])).names.append(found.name)
