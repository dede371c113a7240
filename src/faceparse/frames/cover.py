"""Add faces that the detector missed for a moment, so that an edit that hides faces never blinks.

>>> for frame in cover(faceparse.video("clip.mp4")):  # doctest: +SKIP
...     writer.write(faceparse.edit(frame.parsing, ["anonymise"]), frame.time)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from faceparse.errors import NoFaceError
from faceparse.frames.frame import Frame
from faceparse.frames.motion import CUT, change, thumbnail
from faceparse.results import Face

REACH = 0.5
"""Seconds for which a face is added after its last detection, and before its first."""
LARGER = 1.3
"""Size of an added face's box, as a multiple of the detected one."""

Sighting = tuple[float, Face]
"""Time in seconds, and the face."""


def cover(frames: Iterable[Frame], *, strict: bool = False) -> Generator[Frame, None, None]:
    """Yield the frames, and add to each the faces that it misses but frames within half a second show.

    An added face has a larger box. It lies between its place before and its place after, or at the only one of them.
    So a face appears half a second before its first detection and stays half a second after its last, but never
    beyond a cut. Half a second of frames waits in memory.

    Args:
        frames: Frames in order, whose faces have ids.
        strict: Whether to stop with an error when a face is missed for longer, unless it left the picture or a cut
            came.

    Raises:
        NoFaceError: with `strict`, before the first frame that misses a face for longer than half a second.
    """
    waiting: deque[tuple[Frame, bool]] = deque()
    seen: dict[int, Sighting] = {}
    small: Any = None
    ids: set[int | None] = set()
    with closing(frames) if isinstance(frames, Generator) else nullcontext():
        for frame in frames:
            before, small = small, thumbnail(frame.image)
            same = ids & (ids := {face.id for face in frame.faces})
            waiting.append((frame, before is not None and not same and change(before, small) > CUT))
            while frame.time - waiting[0][0].time > REACH:
                yield _covered(waiting, seen, strict)
    while waiting:
        yield _covered(waiting, seen, strict)


def _covered(waiting: deque[tuple[Frame, bool]], seen: dict[int, Sighting], strict: bool) -> Frame:
    """Take the first waiting frame, and return it with its missed faces added."""
    frame, is_cut = waiting.popleft()
    if is_cut:
        seen.clear()
    here = {face.id: face for face in frame.faces if face.id is not None}
    coming = dict(_coming(frame, waiting))
    missed = []
    for number in sorted({*seen, *coming} - {*here}):
        before, after = seen.get(number), coming.get(number)
        if before and frame.time - before[0] > REACH:
            if strict and not _has_left(before[1], frame):
                raise NoFaceError(
                    f"face {number}, last seen at {before[0]:.2f} s, is not covered at {frame.time:.2f} s: look at the "
                    "video there; without --strict it goes on"
                )
            before = None
            del seen[number]
        if before or after:
            missed.append(_between(before, after, frame))
    seen.update((number, (frame.time, face)) for number, face in here.items())
    if not missed:
        return frame
    return replace(frame, parsing=replace(frame.parsing, faces=(*frame.faces, *missed)))


def _coming(frame: Frame, waiting: Iterable[tuple[Frame, bool]]) -> Iterator[tuple[int, Sighting]]:
    """Return the faces of the waiting frames up to a cut, the nearest frame last."""
    later: list[tuple[int, Sighting]] = []
    for other, is_cut in waiting:
        if is_cut or other.time - frame.time > REACH:
            break
        later += [(face.id, (other.time, face)) for face in other.faces if face.id is not None]
    return reversed(later)


def _between(before: Sighting | None, after: Sighting | None, frame: Frame) -> Face:
    """Return a missed face at its interpolated place in a frame, with the frame's parsing."""
    (start, first), (end, last) = before or after, after or before  # type: ignore[misc]
    part = min(max((frame.time - start) / (end - start), 0.0), 1.0) if end > start else 0.0
    x0, y0, x1, y1 = (1 - part) * np.array(first.box) + part * np.array(last.box)
    points = (1 - part) * first.landmarks + part * last.landmarks
    width, height = LARGER * (x1 - x0) / 2, LARGER * (y1 - y0) / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    whole = replace(frame.parsing, faces=())
    return replace(first, box=(x - width, y - height, x + width, y + height), landmarks=points, parsing=whole)


def _has_left(face: Face, frame: Frame) -> bool:
    """Return whether a face was last seen at the picture's border, on its way out."""
    height, width = frame.image.shape[:2]
    x0, y0, x1, y1 = face.box
    slack = 0.25 * max(face.size)
    return bool(min(x0, y0, width - x1, height - y1) < slack)
