"""Pictures and their output paths, stored compactly: millions fit into memory.

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
from faceparse.folder.shard import WHOLE, Shard
from faceparse.folder.walk import join
from faceparse.writers import Writer


class _Stdin(io.BytesIO):
    """The picture from stdin; messages call it `stdin`."""

    name = "stdin"


@dataclass(frozen=True, slots=True)
class Job:
    """One picture and the path that its outputs begin with.

    Attributes:
        source: The picture's file.
        stem: Path that the names of the outputs begin with; each writer adds an ending.
        problem: Why the picture cannot be read, if this is known before reading.
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
        folder: The folder of the pictures.
        subfolder: Folder of the outputs, relative to the output folder, with `/` between names; empty for the
            output folder itself.
        names: File names of the pictures.
        full_names: Names whose outputs keep the suffix, because two stems would otherwise be equal.
    """

    folder: str
    subfolder: str
    names: list[str]
    full_names: set[str] = field(default_factory=set)

    def stem(self, name: str) -> str:
        """Return the text that the names of a picture's outputs begin with."""
        return name if name in self.full_names else os.path.splitext(name)[0]


class Jobs:
    """All pictures of a run by folder; memory holds only their names, and iteration creates each `Job`.

    Args:
        groups: Groups of pictures; no two have the same `folder` and `subfolder`.
        output: The output folder.
        extra: Jobs outside the groups: the picture from stdin, folders that cannot be read.
        endings: Endings of all outputs, to find pictures like `a` and `a_x` whose outputs would have one name.
        left_out: Number of pictures left out as outputs: of another picture, or of runs into the inputs' folders.
        shard: The part of the pictures to iterate over. The names of outputs are the same as in the whole run.

    Raises:
        ConfigError: pictures of several folders would have the same output file.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        output: Path,
        extra: Iterable[Job] = (),
        endings: Iterable[str] = (),
        left_out: int = 0,
        shard: Shard = WHOLE,
    ) -> None:
        self.output, self.left_out, self.shard = output, left_out, shard
        self._groups = [group for group in groups if group.names]
        self._extra = list(extra)
        prefixes = _prefixes(list(endings))
        for group in self._groups:
            group.names.sort()
            group.full_names = _ambiguous(group.names, prefixes)
        self.check_names()
        self._chosen = [
            (group, [name for name in group.names if shard.holds(join(group.subfolder, name))])
            if shard != WHOLE
            else (group, group.names)
            for group in self._groups
        ]
        self._chosen_extra = [job for job in self._extra if shard.holds(str(job.source))]

    def __len__(self) -> int:
        return len(self._chosen_extra) + sum(len(names) for _, names in self._chosen)

    def __iter__(self) -> Iterator[Job]:
        yield from self._chosen_extra
        for group, names in self._chosen:
            for name in names:
                stem = self.output.joinpath(group.subfolder, group.stem(name))
                yield Job(Path(group.folder, name), stem)

    def sources(self) -> Iterator[str]:
        """Yield the paths of all pictures, those of other shards too."""
        yield from (str(job.source) for job in self._extra)
        for group in self._groups:
            yield from (os.path.join(group.folder, name) for name in group.names)

    def check_names(self, endings: Iterable[str] = ()) -> None:
        """Raise if two output files of a run would have the same name, ignoring case as some file systems do.

        Args:
            endings: Endings of all files that the run may write for a picture.

        Raises:
            ConfigError: two files with one name.
            OutputError: an ending that no file name can have.
        """
        suffixes = [ending.casefold() for ending in endings]
        for suffix, count in Counter(suffixes).items():
            Writer.beside(self.output / "STEM", suffix)
            if count > 1:
                raise ConfigError(
                    f"two forms would write the same file STEM{suffix}: save them into two folders, or choose --classes"
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
                    "one; or, if they come from several folders, give their common folder with --recursive or --root"
                )


def _ambiguous(names: Sequence[str], prefixes: tuple[str, ...]) -> set[str]:
    """Return the names that must keep their suffix so that all outputs have different names on any file system."""
    folded = [name.casefold() for name in names]
    stem = {name: os.path.splitext(name)[0] for name in folded}
    stems = Counter(stem[name] for name in folded)
    kept = {
        name
        for name in folded
        if stems[stem[name]] > 1
        or (stem[name].endswith(prefixes) and any(stems[s] for s in possible_stems(stem[name], prefixes)))
    }
    while True:  # repeats, for `a.jpg.png` beside `a.jpg` and `a.png`
        more = {name for name in folded if name not in kept and stem[name] in kept}
        if not more:
            return {name for name, small in zip(names, folded, strict=True) if small in kept}
        kept |= more


def _prefixes(endings: Sequence[str]) -> tuple[str, ...]:
    """Return stem endings that turn one output's name into another's: `_x` for `_x_mask.png` and `_mask.png`."""
    every = set(endings)
    return tuple({ending[:i] for ending in every for i in range(1, len(ending)) if ending[i:] in every})
