"""Find the pictures of a run: in files, folders, patterns and lists.

>>> jobs = find_jobs(["photos", "more/*.jpg"], Path("out"), ["_mask.png"])  # doctest: +SKIP
>>> len(jobs)  # doctest: +SKIP
1204
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceparse.errors import ConfigError, display_name
from faceparse.folder.jobs import Group, Job, Jobs
from faceparse.folder.outputs import possible_stems
from faceparse.folder.shard import WHOLE, Shard
from faceparse.folder.walk import PicturePath, Walker, is_pattern
from faceparse.pictures.reader import SUFFIXES, not_fetched

LONGEST_LIST = 1 << 28
"""Largest size of a list in bytes: millions of paths."""


def find_jobs(
    inputs: Iterable[str | Path],
    output: str | Path,
    endings: Iterable[str],
    *,
    from_list: Iterable[str] = (),
    recursive: bool = False,
    root: str | Path | None = None,
    data: bytes | None = None,
    shard: Shard = WHOLE,
) -> Jobs:
    """Find the pictures among the inputs, and assign each picture its own output path below `output`.

    A file's outputs go into `output` itself. Outputs keep a picture's path inside a folder, from a pattern's
    first wildcard on, or as a list states it (if relative). Pictures whose stems collide (`a.jpg` and
    `a.png`) keep their suffix in the names of their outputs.

    Folders and patterns skip names that begin with a dot, the output folder, and outputs of this or earlier
    runs. A picture that is reached twice, for example by a link, is taken once; loops of links end.

    Args:
        inputs: Files, folders, and patterns (`*`, `?`, `[ab]`, and `**` for any folders); the name of an
            existing file is never a pattern.
        output: The output folder.
        endings: `Writer.endings` of every writer, including writers that this run does not use.
        from_list: Files, from `read_list`. A path that is missing or not a file becomes a job with a problem.
        recursive: Whether to search subfolders.
        root: Folder below which outputs of files, including those of the list, keep their paths.
        data: One additional picture as bytes, named `stdin`.
        shard: The part of the pictures to take, which may be none.

    Raises:
        ConfigError: an input that does not exist, no picture in any input, a file outside `root`, or pictures
            of several folders that would have the same output file.
    """
    finder = _Finder(Path(output), tuple(endings), None if root is None else os.path.abspath(root))
    paths = [os.fspath(path) for path in inputs]
    missing = [path for path in paths if not os.path.exists(path) and not is_pattern(path)]
    if missing:
        names = ", ".join(map(display_name, missing))
        raise ConfigError(f"no such file or folder: {names}{not_fetched(names)}")
    for path in paths:
        finder.add(path, recursive)
    for path in from_list:
        finder.add_from_list(path)
    if data is not None:
        finder.extra.append(Job(Path("-"), Path(output, "stdin"), data=data))
    jobs = finder.jobs(shard)
    if not any(jobs.sources()):
        hint = "" if recursive else "; --recursive looks into subfolders"
        hint += f"; {jobs.left_out} left out as outputs of earlier runs" * bool(jobs.left_out)
        raise ConfigError(f"no picture ({' '.join(SUFFIXES)}) in {', '.join(paths) or 'the list'}{hint}")
    return jobs


def read_list(content: bytes) -> Iterator[str]:
    r"""Yield the paths in a list: one per line, or separated by NUL as `find -print0` writes them.

    >>> list(read_list(b"a.jpg\nsub/b c.jpg\n")), list(read_list("\ufeffa.jpg\r\n".encode("utf-16-le")))
    (['a.jpg', 'sub/b c.jpg'], ['a.jpg'])

    A byte order mark marks UTF-16, as Windows writes it, and is not part of the first name.

    Raises:
        ConfigError: a list longer than `LONGEST_LIST`, or invalid UTF-16 after the mark.
    """
    if len(content) > LONGEST_LIST:
        raise ConfigError(f"a list of pictures has at most {LONGEST_LIST:,} bytes: split it")
    content = content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            content = os.fsencode(content.decode("utf-16"))
        except UnicodeError as error:
            raise ConfigError(f"the list of pictures is no text in UTF-16: {error}") from None
    separator = b"\0" if b"\0" in content else b"\n"
    for line in content.split(separator):
        line = line.removesuffix(b"\r")
        if line.strip():
            yield os.fsdecode(line)


class _Finder:
    """Collects pictures by folder, each real path once."""

    def __init__(self, output: Path, endings: tuple[str, ...], root: str | None) -> None:
        self._output, self._endings, self._root = output, endings, root
        self._walker = Walker(os.fspath(output), endings)
        self._groups: dict[tuple[str, str], Group] = {}
        self._taken: dict[str, set[str]] = {}  # real folder → names of the pictures taken from it
        self._named: set[str] = set()  # real paths of pictures that the user named
        self.extra: list[Job] = []

    def jobs(self, shard: Shard) -> Jobs:
        left_out = self._walker.left_out
        for group in self._groups.values():
            left_out += len(group.names)
            stems = {os.path.splitext(name)[0] for name in group.names} | set(group.names)
            group.names = [
                name
                for name in group.names
                if not any(stem in stems for stem in possible_stems(name, self._endings))
                or os.path.realpath(os.path.join(group.folder, name)) in self._named
            ]
            left_out -= len(group.names)
        unreadable = (Job(Path(path), self._output, problem) for path, problem in self._walker.unreadable)
        jobs = [*self.extra, *unreadable]
        return Jobs(self._groups.values(), self._output, jobs, self._endings, left_out, shard)

    def add(self, path: str, recursive: bool) -> None:
        if os.path.isfile(path):
            self._add_file(path, self._below_root(path))
        elif os.path.isdir(path):
            for picture in self._walker.walk(path, recursive):
                self._take(picture)
        elif os.path.exists(path):
            raise ConfigError(f"{path} is neither a file nor a folder")
        else:
            count = 0
            for picture in self._walker.match(path):
                self._take(picture)
                count += 1
            if not count:
                raise ConfigError(f"no picture ({' '.join(SUFFIXES)}) matches {path}")

    def add_from_list(self, path: str) -> None:
        if os.path.isfile(path):
            subfolder = self._below_root(path)
            if self._root is None and not os.path.isabs(path):
                folder = os.path.normpath(os.path.dirname(path)).replace(os.sep, "/")
                subfolder = "" if folder.split("/")[0] in (".", "..") else folder
            self._add_file(path, subfolder)
            return
        name = display_name(path)
        problem = f"{name} is no file" if os.path.lexists(path) else f"no such file: {name}"
        self.extra.append(Job(Path(path), self._output, problem))

    def _below_root(self, path: str) -> str:
        if self._root is None:
            return ""
        inside = os.path.relpath(os.path.dirname(os.path.abspath(path)), self._root).replace(os.sep, "/")
        if inside.split("/")[0] == "..":
            raise ConfigError(f"{path} is not below --root {self._root}")
        return "" if inside == "." else inside

    def _add_file(self, path: str, subfolder: str) -> None:
        """Take a file that the user named, whatever its suffix."""
        real = os.path.realpath(path)
        self._named.add(real)
        folder, name = os.path.split(path)
        self._take(PicturePath(folder, subfolder, name, real))

    def _take(self, picture: PicturePath) -> None:
        """Take a picture, unless it was taken before."""
        real_folder, real_name = os.path.split(picture.real)
        taken = self._taken.setdefault(real_folder, set())
        if real_name not in taken:
            # Shares one string between both, because there may be a million names.
            taken.add(picture.name if real_name == picture.name else real_name)
            key = picture.folder, picture.subfolder
            self._groups.setdefault(key, Group(*key, [])).names.append(picture.name)
