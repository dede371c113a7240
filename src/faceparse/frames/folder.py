"""Write a folder with files for each frame of a video."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from faceparse.errors import OutputError, display_name
from faceparse.frames.output import Output

_NUMBER = re.compile(r"^\d{6,}")


class FolderWriter(Output):
    """A folder with files for each frame; file names begin with the frame's number: `000001_mask.png`.

    >>> with FolderWriter("masks") as folder:  # doctest: +SKIP
    ...     for frame in faceparse.video("clip.mp4"):
    ...         folder.write(lambda stem: frame.parsing.save(f"{stem}_mask.png"), frame.time)

    Args:
        path: The folder.
        overwrite: Whether the folder may hold files. Frames of the same form are then replaced; other files stay.

    Raises:
        OutputError: the folder holds files and `overwrite` is False, or it cannot be written.
    """

    def __enter__(self) -> FolderWriter:
        super().__enter__()
        with self._faults():
            self._part.mkdir()
        return self

    def write(self, save: Callable[[Path], object], time: float) -> None:
        """Add a frame.

        Args:
            save: Function that gets a path and writes the frame's files, whose names begin with this path.
            time: Presentation time in seconds.

        Raises:
            OutputError: a file that cannot be written.
        """
        with self._faults():
            save(self._part / f"{self._frames + 1:06}")
        self._wrote(time)

    def _is_taken(self) -> bool:
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{display_name(self.path)} is a file: name a folder for the frames")
        return self.path.is_dir() and any(self.path.iterdir())

    def _place(self, path: Path) -> None:
        if not path.exists():
            self._part.replace(path)
            return
        files = [file.name for file in self._part.iterdir()]
        endings = {_NUMBER.sub("", name) for name in files}
        for old in path.iterdir():  # an earlier, longer video may have left more frames
            if _NUMBER.match(old.name) and _NUMBER.sub("", old.name) in endings:
                old.unlink()
        for name in files:
            (self._part / name).replace(path / name)

    def _finish(self, whole: bool) -> None:
        pass

    def _abandon(self) -> None:
        pass
