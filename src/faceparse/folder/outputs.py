"""Which files are outputs of runs, so that no run takes them for pictures."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path

from faceparse.folder.manifest import recorded_outputs


class Outputs:
    """What runs wrote, as their manifests say.

    Args:
        endings: What the names of outputs end with.
    """

    def __init__(self, endings: Sequence[str]) -> None:
        self._endings = endings
        self._stems: dict[str, set[str]] = {}  # folder → what the names of outputs in it begin with
        self._files: set[str] = set()

    def read(self, folder: str) -> None:
        """Read the manifest of a folder, given by its real path; nothing where no run wrote into it."""
        stems, files = recorded_outputs(Path(folder))
        for stem in stems:
            below, name = os.path.split(stem)
            self._stems.setdefault(os.path.normpath(os.path.join(folder, below)), set()).add(name)
        self._files.update(os.path.normpath(os.path.join(folder, file)) for file in files)

    def hold(self, folder: str, name: str) -> bool:
        """Whether a run wrote a file, given by its folder's real path and its name."""
        stems = self._stems.get(folder, ())
        return os.path.join(folder, name) in self._files or any(
            stem in stems for stem in possible_stems(name, self._endings)
        )


def possible_stems(name: str, endings: Sequence[str]) -> list[str]:
    """The stems whose outputs may have that name.

    >>> possible_stems("a_mask.png", ["_mask.png", ".png"])
    ['a', 'a_mask']
    """
    return [name.removesuffix(e) for e in endings if name.endswith(e)]
