"""Recognise the outputs of runs, so that no run takes them for pictures."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path

from faceparse.folder.manifest import recorded_outputs


class Outputs:
    """The outputs of runs, as recorded in their manifests.

    Args:
        endings: Endings of the outputs' names.
    """

    def __init__(self, endings: Sequence[str]) -> None:
        self._endings = endings
        self._stems: dict[str, set[str]] = {}  # folder → stems of its outputs
        self._files: set[str] = set()

    def read(self, folder: str) -> None:
        """Read the manifest of a folder (a real path); do nothing if there is none."""
        stems, files = recorded_outputs(Path(folder))
        for stem in stems:
            below, name = os.path.split(stem)
            self._stems.setdefault(os.path.normpath(os.path.join(folder, below)), set()).add(name)
        self._files.update(os.path.normpath(os.path.join(folder, file)) for file in files)

    def hold(self, folder: str, name: str) -> bool:
        """Return whether a run wrote the file with this name in this folder (a real path)."""
        stems = self._stems.get(folder, ())
        return os.path.join(folder, name) in self._files or any(
            stem in stems for stem in possible_stems(name, self._endings)
        )


def possible_stems(name: str, endings: Sequence[str]) -> list[str]:
    """Return the stems whose outputs may have this name.

    >>> possible_stems("a_mask.png", ["_mask.png", ".png"])
    ['a', 'a_mask']
    """
    if not name.endswith(tuple(endings)):  # most names, and in one call
        return []
    return [name.removesuffix(e) for e in endings if name.endswith(e)]
