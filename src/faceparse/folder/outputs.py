"""Which files are outputs of runs, so that no run takes them for pictures."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceparse.folder.manifest import FOLDER, recorded_outputs


@dataclass(frozen=True)
class OutputFolder:
    """A folder that runs wrote into.

    Attributes:
        folder: Its real path.
        stems: What the names of its pictures' outputs begin with, relative to it.
        files: Other files of its runs, such as `annotations.json`, relative to it.
    """

    folder: str
    stems: Collection[str]
    files: Collection[str]

    @classmethod
    def at(cls, folder: str) -> OutputFolder | None:
        """The output folder at a real path; None where no run wrote into it."""
        if not os.path.isdir(os.path.join(folder, FOLDER)):
            return None
        return cls(folder, *recorded_outputs(Path(folder)))

    def wrote(self, folder: str, name: str, endings: Sequence[str]) -> bool:
        """Whether its runs wrote a file, given by its folder's real path and its name."""
        below = os.path.relpath(folder, self.folder).replace(os.sep, "/")
        path = name if below == "." else f"{below}/{name}"
        return path in self.files or any(stem in self.stems for stem in possible_stems(path, endings))


def possible_stems(name: str, endings: Sequence[str]) -> list[str]:
    """The stems whose outputs may have that name.

    >>> possible_stems("a_mask.png", ["_mask.png", ".png"])
    ['a', 'a_mask']
    """
    return [name.removesuffix(e) for e in endings if name.endswith(e)]
