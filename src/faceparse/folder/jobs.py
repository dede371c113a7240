"""Pictures and where their outputs go, kept small: millions fit into memory.

>>> from faceparse.folder.jobs import Group, Jobs
>>> jobs = Jobs([Group("in/sub", "sub", ["a.jpg", "a.png", "b.jpg"])], Path("out"))
>>> [job.stem.as_posix() for job in jobs]
['out/sub/a.jpg', 'out/sub/a.png', 'out/sub/b']
"""

from __future__ import annotations

import io
import os.path
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from faceparse.errors import ConfigError
from faceparse.folder.outputs import possible_stems
from faceparse.writers import Writer


class _Stdin(io.BytesIO):
    """What came from stdin, under that name in messages."""

    name = "stdin"


@dataclass(frozen=True, slots=True)
class Job:
    """One picture and the path that its outputs' names begin with.

    Attributes:
        source: The picture's file.
        stem: The path that its outputs' names begin with; each writer adds an ending.
        problem: Why it cannot be read, if that is clear before reading.
        data: The picture's bytes if it came from no file.
    """

    source: Path
    stem: Path
    problem: str = ""
    data: bytes | None = None

    @property
    def picture(self) -> Path | IO[bytes]:
        """The picture to read."""
        return self.source if self.data is None else _Stdin(self.data)


@dataclass(slots=True)
class Group:
    """The pictures of one folder.

    Attributes:
        folder: Where they lie.
        subfolder: Their outputs' folder below the output folder, `/` between names; empty for the output
            folder itself.
        names: Their file names.
        full_names: Names whose ending stays in the outputs' names, for without it two would be the same.
    """

    folder: str
    subfolder: str
    names: list[str]
    full_names: set[str] = field(default_factory=set)

    def stem(self, name: str) -> str:
        """What the names of a picture's outputs begin with."""
        return name if name in self.full_names else os.path.splitext(name)[0]


class Jobs:
    """All pictures of a run, folder by folder: a name each in memory, made into a `Job` by iterating.

    Args:
        groups: At most one for each pair of folder and subfolder.
        output: The output folder.
        extra: Jobs that lie in no folder: the picture from stdin, folders that cannot be read.
        endings: Of the writers' names, for telling apart names that only differ by one.

    Raises:
        ConfigError: pictures of several folders would be written as the same file.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        output: Path,
        extra: Iterable[Job] = (),
        endings: Iterable[str] = (),
    ) -> None:
        self.output = output
        self._groups = [group for group in groups if group.names]
        self._extra = list(extra)
        prefixes = _prefixes(list(endings))
        for group in self._groups:
            group.names.sort()
            group.full_names = _ambiguous(group.names, prefixes)
        self.check_names()

    def __len__(self) -> int:
        return len(self._extra) + sum(len(group.names) for group in self._groups)

    def __iter__(self) -> Iterator[Job]:
        yield from self._extra
        for group in self._groups:
            for name in group.names:
                stem = self.output.joinpath(group.subfolder, group.stem(name))
                yield Job(Path(group.folder, name), stem)

    def check_names(self, endings: Iterable[str] = ()) -> None:
        """Raise where two files of a run would have one name; those that differ in case alone are one on some systems.

        Args:
            endings: Of all files that the run may write of a picture.

        Raises:
            ConfigError: two files with one name.
            OutputError: an ending that no file's name can have.
        """
        suffixes = [ending.casefold() for ending in endings]
        for suffix, count in Counter(suffixes).items():
            Writer.beside(self.output / "STEM", suffix)
            if count > 1:
                raise ConfigError(
                    f"two files of each picture would be STEM{suffix}: save the forms into two folders, or choose --classes"
                )
        stems: dict[str, list[str]] = defaultdict(list)  # by folder
        stems[""] += (job.stem.name for job in self._extra if job.data is not None)
        for group in self._groups:
            stems[f"{group.subfolder}/".lstrip("/").casefold()] += map(group.stem, group.names)
        prefixes = _prefixes(suffixes)
        for folder, each in stems.items():
            if clash := sorted(_ambiguous([f"{stem}." for stem in each], prefixes)):
                raise ConfigError(
                    f"several pictures would be written as {', '.join(folder + name[:-1] for name in clash[:3])}: rename "
                    "one; of several folders, give the common folder with --recursive, or as --root FOLDER"
                )


def _ambiguous(names: Sequence[str], prefixes: tuple[str, ...]) -> set[str]:
    """The names that must keep their ending for all outputs' names to differ, on any file system."""
    folded = [name.casefold() for name in names]
    stem = {name: os.path.splitext(name)[0] for name in folded}
    stems = Counter(stem[name] for name in folded)
    kept = {
        name
        for name in folded
        if stems[stem[name]] > 1
        or (stem[name].endswith(prefixes) and any(stems[s] for s in possible_stems(stem[name], prefixes)))
    }
    while True:  # `a.jpg.png` beside `a.jpg` and `a.png`
        more = {name for name in folded if name not in kept and stem[name] in kept}
        if not more:
            return {name for name, small in zip(names, folded, strict=True) if small in kept}
        kept |= more


def _prefixes(endings: Sequence[str]) -> tuple[str, ...]:
    """What a stem may end with so that one writer's ending makes another's: `_x` for `_x_mask.png`, `_mask.png`."""
    return tuple({a.removesuffix(b) for a in endings for b in endings if a != b and a.endswith(b)})
