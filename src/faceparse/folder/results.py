"""Which files are results of ours, so that no run takes them for pictures."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceparse.folder.manifest import FOLDER, known


@dataclass(frozen=True)
class Owner:
    """A folder that runs wrote into.

    Attributes:
        folder: Its real path.
        stems: What its results' names begin with, relative to it.
        files: Other files of a run, such as a summary, relative to it.
    """

    folder: str
    stems: Collection[str]
    files: Collection[str]

    @classmethod
    def of(cls, folder: str) -> Owner | None:
        """The owner that a folder is; None where no run wrote into it."""
        if not os.path.isdir(os.path.join(folder, FOLDER)):
            return None
        stems, files = known(Path(folder))
        return cls(folder, stems, files)

    def wrote(self, folder: str, name: str, endings: Sequence[str]) -> bool:
        """Whether a file, by its folder's real path and its name, is one of its results."""
        below = os.path.relpath(folder, self.folder).replace(os.sep, "/")
        path = name if below == "." else f"{below}/{name}"
        return path in self.files or any(base in self.stems for base in bases(path, endings))


def bases(name: str, endings: Sequence[str]) -> list[str]:
    """What may be the stem of a result of that name."""
    return [name.removesuffix(e) for e in endings if name.endswith(e)]


def without_results(names: Sequence[str], given: Collection[str], endings: Sequence[str]) -> list[str]:
    """A folder's names less the results of other pictures in it; those that were `given` by name stay."""
    stems = {os.path.splitext(n)[0] for n in names} | set(names)
    return [n for n in names if n in given or not any(base in stems for base in bases(n, endings))]
