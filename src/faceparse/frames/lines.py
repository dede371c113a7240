"""Records of a video's frames as JSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from faceparse.files import json_bytes
from faceparse.frames.frame import Frame
from faceparse.frames.output import Output


class LineWriter(Output):
    """A file of JSON lines, one per frame: the frame's number from 1, time, faces, and a record of your own.

    >>> with LineWriter("clip.jsonl") as lines:  # doctest: +SKIP
    ...     for frame in faceparse.video("clip.mp4"):
    ...         lines.write(frame, {"areas": dict(frame.parsing.areas)})

    Args:
        path: The file.
        overwrite: Whether the file may exist.

    Raises:
        OutputError: the file exists and `overwrite` is False, or it cannot be written.
    """

    _file: IO[bytes]

    def __enter__(self) -> LineWriter:
        super().__enter__()
        with self._faults():
            self._file = self._part.open("wb")
        return self

    def write(self, frame: Frame, record: Mapping[str, object]) -> None:
        """Add a frame's line.

        Raises:
            OutputError: the file cannot be written.
        """
        about = {"frame": self._frames + 1, "time": round(frame.time, 6)}
        faces = [face.record() for face in frame.faces]
        with self._faults():
            self._file.write(json_bytes({**about, "faces": faces, **record}) + b"\n")
        self._wrote(frame.time)

    def _finish(self, whole: bool) -> None:
        self._file.close()

    def _abandon(self) -> None:
        self._file.close()
