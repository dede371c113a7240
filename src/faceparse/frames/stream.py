"""Parse the frames of a video one after another; each frame uses what the frames before it showed.

>>> stream = Stream(faceparse.Parser())  # doctest: +SKIP
>>> for image, time in camera:  # doctest: +SKIP
...     frame = stream(image, time)
...     print([face.id for face in frame.faces])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection, Square, YuNet
from faceparse.faces.looks import is_portrait
from faceparse.faces.turn import Turn, detect_upright
from faceparse.frames.follow import STILL
from faceparse.frames.frame import Frame
from faceparse.frames.motion import move
from faceparse.frames.steady import Steady
from faceparse.frames.tracker import Track
from faceparse.parser import Parser, Prior
from faceparse.pictures import read_picture
from faceparse.results import Face, Parsing

EVERY = 5
"""Frames from one detection to the next while faces are followed; without a face, every frame is searched."""
CLEAR = 0.85
"""Least score of a face that is only followed; a face below it (turned aside, covered) is detected in every frame, as is
one that the border cuts off."""
FAR, NEAR = 0.5, 0.05
"""Distance, in sides of a face, after which it is detected again, and after which its surroundings are looked at again."""
CHANGED = 16.0
"""Difference from the last frame, 0 to 255, after which faces are detected again."""
KEPT = 5
"""Frames for which a look at a face's surroundings, or at the whole picture, is used again."""
SLACK = 1.1
"""Factor by which a portrait's limits widen once a video is parsed as a portrait."""
LARGER = 1.25
"""Factor by which another face must be larger to take over as the largest."""
TURNED = 60.0
"""Angle of a face in degrees above which the picture is turned before parsing."""
THOROUGH, REDUCED, VISIBLE = 3, 640, 40.0
"""Detections from one search of the whole pyramid to the next while faces are followed; longer side of the picture for
those in between, and least size that the faces must have in it, in pixels."""
LOW_SCORE = 0.4
"""Least score of a detection; below `HIGH_SCORE` it only continues a track."""

Key = tuple[int | None, int]
"""Id of a face, or None for the whole picture, and layer of a look."""


@dataclass
class _Kept:
    """The logits of a look, where its face was, and their age in frames."""

    logits: NDArray[np.float32]
    face: Detection | None
    age: int = 0


class Stream:
    """A parser for the frames of one video, in order.

    Faces are detected every few frames and followed in between. Each frame is parsed with these faces, then steadied.
    While a face moves little, the network's looks at its surroundings are used again for a few frames, to save time.

    Args:
        parser: The parser.
        smooth: Weight of the past, 0 to 1; 0 parses each frame by itself, as `Parser.parse` does.

    Raises:
        ConfigError: `smooth` out of range.
    """

    def __init__(self, parser: Parser, smooth: float = 0.5) -> None:
        self.parser = parser
        self._steady = Steady(smooth)
        self._follower = self._steady.follower
        detector = parser.detector
        self._detector = YuNet(LOW_SCORE) if type(detector) is YuNet else detector
        self._quick = YuNet(LOW_SCORE, REDUCED) if type(detector) is YuNet else detector
        self._detections = 0
        self._turn: Turn | None = None
        self._portrait = False
        self._largest: Track | None = None
        self._since, self._moved = 0, 0.0
        self._confirmed: set[int] = set()
        self._false: set[int] = set()
        self._kept: dict[Key, _Kept] = {}

    def __call__(self, image: NDArray[np.uint8], time: float) -> Frame:
        """Parse the next frame.

        Args:
            image: The frame, RGB uint8, H × W × 3.
            time: Its time in seconds, greater than that of the frame before.

        Raises:
            ImageError: not an RGB uint8 picture.
            NoFaceError: no face, with the parser's `no_face` `fail` or a model that needs landmarks.
        """
        if not self._steady.smooth:
            return Frame(self._steady(self.parser.parse(image), time), time)
        image = read_picture(image)
        self._follower.move(image, time)
        detected = self._due(image)
        if detected:
            self._detect(image)
        tracks = self._chosen(detected)
        turn = self._turn or Turn(0, image.shape[:2])
        faces = {track: turn.face(track.face) for track in tracks}
        prior = Prior(
            turn,
            tuple(faces.values()),
            tuple(face for track, face in faces.items() if track.id not in self._confirmed),
            self._is_portrait(list(faces.values()), turn.apply(image).shape[:2]),
            self._kept_logits(faces),
        )
        parsing = self.parser.look(image, prior)
        shown = [_nearest(face, tracks) for face in parsing.faces]
        self._confirmed.update(track.id for track in shown)
        self._false.update(_nearest(face, tracks).id for face in parsing.false_faces)
        self._keep(parsing, shown)
        return Frame(self._steady.average(parsing, shown), time)

    def _due(self, image: NDArray[np.uint8]) -> bool:
        """Return whether faces must be detected in this frame."""
        if self.parser.faces == "whole" and not self.parser.card.input.warp:
            return False
        follower = self._follower
        self._since += 1
        self._moved += max((_motion(track) for track in follower.tracks), default=0.0)
        return (
            follower.cut
            or follower.lost
            or follower.changed > CHANGED
            or self._moved > FAR
            or any(track.face.score < CLEAR or _is_cropped(track.face, image) for track in follower.tracks)
            or self._since >= EVERY
            or not follower.tracks
        )

    def _detect(self, image: NDArray[np.uint8]) -> None:
        self._since, self._moved = 0, 0.0
        if self._turn is None or self._turn.size != image.shape[:2] or not self._follower.tracks:
            self._turn, faces = detect_upright(self._detector, image)
        else:
            self._detections += 1
            least = min(track.face.size for track in self._follower.tracks) * REDUCED / max(image.shape)
            quick = self._detections % THOROUGH and least >= VISIBLE
            faces = (self._quick if quick else self._detector).detect(self._turn.apply(image))
        turn = self._turn
        self._follower.detect([turn.face_back(face) for face in faces])
        tracks = self._follower.tracks
        if tracks:
            largest = max((track.face for track in tracks), key=lambda face: face.size)
            if abs(Square.from_landmarks(turn.face(largest).landmarks).angle) > TURNED:
                self._turn = Turn.of(largest, image.shape[:2])
                self._kept.clear()

    def _chosen(self, detected: bool) -> list[Track]:
        """Return the tracks to parse; those that the network takes for no faces only if `detected`."""
        tracks = [t for t in self._follower.tracks if detected or t.id not in self._false - self._confirmed]
        if self.parser.faces != "largest" or not tracks:
            return tracks
        largest = max(tracks, key=lambda track: track.face.size)
        if self._largest not in tracks or largest.face.size > LARGER * self._largest.face.size:
            self._largest = largest
        return [self._largest]

    def _is_portrait(self, faces: list[Detection], size: tuple[int, int]) -> bool | None:
        if not faces:
            self._portrait = False
            return None
        slack = SLACK if self._portrait and not self._follower.cut else 1.0
        self._portrait = is_portrait(max(faces, key=lambda face: face.size), size, slack)
        return self._portrait

    def _kept_logits(
        self, faces: dict[Track, Detection]
    ) -> dict[tuple[Detection | None, int], NDArray[np.float32]]:
        """Return the kept logits that replace runs of the network; of looks that are too old, only the oldest runs again."""
        by_id = {track.id: track for track in faces}
        for (owner, layer), kept in list(self._kept.items()):
            kept.age += 1
            face = None if owner is None else by_id[owner].face if owner in by_id else None
            if (
                not faces
                or self._follower.cut
                or (owner is not None and face is None)
                or self._is_old(kept, face)
            ):
                del self._kept[owner, layer]
        oldest = max(self._kept, key=lambda key: self._kept[key].age, default=None)
        if oldest is not None and self._kept[oldest].age >= KEPT:
            del self._kept[oldest]
        return {
            (None if owner is None else faces[by_id[owner]], layer): kept.logits
            for (owner, layer), kept in self._kept.items()
        }

    def _is_old(self, kept: _Kept, face: Detection | None) -> bool:
        """Return whether a face has moved far from where it was when the look was kept, or the picture has changed."""
        if kept.face is None or face is None:
            return self._follower.changed > STILL
        return bool(np.abs(face.landmarks - kept.face.landmarks).max() > NEAR * face.size)

    def _keep(self, parsing: Parsing, tracks: Sequence[Track]) -> None:
        """Keep the looks at surroundings: the wider look at each face, and the look at the whole picture."""
        owners = {
            id(view): track
            for face, track in zip(parsing.faces, tracks, strict=True)
            for view in (face.parsing.views if face.parsing else ())
        }
        kept: dict[Key, _Kept] = {}
        for view in parsing.views if tracks else ():
            owner = owners.get(id(view))
            if owner is None:
                key: Key = (None, view.layer)
                kept[key] = self._kept.get(key) or _Kept(view.logits, None)
            elif view.layer == 1:
                key = (owner.id, view.layer)
                kept[key] = self._kept.get(key) or _Kept(view.logits, owner.face)
        self._kept = kept


def _motion(track: Track) -> float:
    """Return how far a face moved since the last frame, in sides of its box."""
    if track.motion is None:
        return 0.0
    centre = np.array(track.face.centre)
    return float(np.linalg.norm(move(centre[None], track.motion)[0] - centre)) / track.face.size


def _is_cropped(face: Detection, image: NDArray[np.uint8]) -> bool:
    """Return whether a face reaches beyond the picture."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = face.box
    return x0 < 0 or y0 < 0 or x1 > width or y1 > height


def _nearest(face: Face, tracks: Sequence[Track]) -> Track:
    return min(tracks, key=lambda track: float(np.abs(track.face.landmarks - face.landmarks).max()))
