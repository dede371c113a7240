"""Faces stay where they are missed for a moment, so that what hides them never blinks.

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
"""Seconds for which a face stays after it was last seen, and comes before it is first seen."""
LARGER = 1.3
"""Sides of the box of a face that is not seen, by those of the box that is."""

Sighting = tuple[float, Face]
"""Time in seconds, and the face."""


def cover(frames: Iterable[Frame], *, strict: bool = False) -> Generator[Frame, None, None]:
    """Yield frames, with the faces that are missed in some of them: where they were or will be, in a larger box.

    A face that is missed lies between its places before and after, if these are at most half a second away; else
    at the one that is. So a face comes half a second before it is first found, and stays half a second after it
    was last found, but never beyond a cut. Half a second of frames waits in memory.

    Args:
        frames: Frames in order, whose faces have their ids.
        strict: Whether a face that is not found again within that time ends all, unless it left the picture or
            there was a cut.

    Raises:
        NoFaceError: with `strict`, before the first frame in which a face that was found is not covered.
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
    """Take the first frame that waits, and return it with the faces that it lacks."""
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
    """Yield the faces of the frames that wait, the nearest last, until a cut."""
    later: list[tuple[int, Sighting]] = []
    for other, is_cut in waiting:
        if is_cut or other.time - frame.time > REACH:
            break
        later += [(face.id, (other.time, face)) for face in other.faces if face.id is not None]
    return reversed(later)


def _between(before: Sighting | None, after: Sighting | None, frame: Frame) -> Face:
    """Return a face where it must be in a frame, with what the frame's parsing has of it."""
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
