"""Looks that are used again in the next frames: at what surrounds a face, and at the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.faces.looks import Look
from faceparse.frames.follow import STILL, Snapshot
from faceparse.frames.track import Track
from faceparse.results import Parsing

LONGEST = 5
"""Frames for which a look is used again."""
NEAR = 0.05
"""Distance, in sides of a face, after which its surroundings are looked at again."""
WIDER = 1
"""Layer of the look at a face's surroundings."""

Logits = Callable[[], NDArray[np.float32]]
"""Returns logits; waits for them while the network runs."""


@dataclass
class _Kept:
    """The logits of a look, where its face was, and their age in frames."""

    logits: Logits
    face: Detection | None
    age: int = 0


class KeptLooks:
    """The looks of the last frames that still count, by the id of their face (None: the whole picture) and layer."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int | None, int], _Kept] = {}

    def clear(self) -> None:
        """Forget all looks."""
        self._kept.clear()

    def logits(
        self, faces: Mapping[Track, Detection], frame: Snapshot
    ) -> dict[tuple[Detection | None, int], Logits]:
        """Return the logits that replace runs of the network in the next frame.

        Of looks that are too old, only the oldest runs again.

        Args:
            faces: Each face to parse, by its track, in points of the turned frame.
            frame: What the follower knows of the frame.
        """
        by_id = {track.id: track for track in faces}
        for (owner, layer), kept in list(self._kept.items()):
            kept.age += 1
            face = None if owner is None else by_id[owner].face if owner in by_id else None
            if not faces or frame.cut or (owner is not None and face is None) or _is_old(kept, face, frame):
                del self._kept[owner, layer]
        oldest = max(self._kept, key=lambda key: self._kept[key].age, default=None)
        if oldest is not None and self._kept[oldest].age >= LONGEST:
            del self._kept[oldest]
        return {
            (None if owner is None else faces[by_id[owner]], layer): kept.logits
            for (owner, layer), kept in self._kept.items()
        }

    def keep(
        self, looks: Sequence[Look], faces: Mapping[Track, Detection], parsing: Callable[[], Parsing]
    ) -> None:
        """Keep those looks of a frame that may be used again.

        Args:
            looks: The looks at the frame.
            faces: Its faces, by their tracks, in points of the turned frame.
            parsing: Returns the frame's parsing; waits for it.
        """
        tracks = {id(face): track for track, face in faces.items()}
        kept = {}
        for look in looks:
            track = None if look.face is None else tracks[id(look.face)]
            if track is not None and look.layer != WIDER:
                continue
            if track is None and not any(other.face for other in looks):  # it is the only look at the faces
                continue
            key = (None if track is None else track.id, look.layer)
            face = None if track is None else track.face
            kept[key] = self._kept.get(key) or _Kept(_Lookup(parsing, face, look.layer), face)
        self._kept = kept


@dataclass(frozen=True)
class _Lookup:
    """Returns the logits of a face's view in a layer, or of the whole picture's view."""

    parsing: Callable[[], Parsing]
    face: Detection | None
    layer: int

    def __call__(self) -> NDArray[np.float32]:
        parsing = self.parsing()
        views = parsing.views
        if self.face is None:
            of_faces = {id(view) for face in parsing.faces if face.parsing for view in face.parsing.views}
            views = tuple(view for view in views if id(view) not in of_faces)
        else:
            landmarks = self.face.landmarks
            nearest = min(parsing.faces, key=lambda face: float(np.abs(face.landmarks - landmarks).max()))
            views = nearest.parsing.views if nearest.parsing else views
        return next(view.logits for view in views if view.layer == self.layer)


def _is_old(kept: _Kept, face: Detection | None, frame: Snapshot) -> bool:
    """Return whether a face has moved far from where it was when the look was kept, or the picture has changed."""
    if kept.face is None or face is None:
        return frame.changed > STILL
    return bool(np.abs(face.landmarks - kept.face.landmarks).max() > NEAR * face.size)
