"""Find the faces of a video's frames: detect them every few frames, and follow them between.

>>> finder = Finder(YuNet(), Follower())  # doctest: +SKIP
>>> [track.id for track in finder(image, 0.0).snapshot.tracks]  # doctest: +SKIP
[1]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Square, YuNet
from faceparse.faces.detector import Detector
from faceparse.faces.turn import Turn, detect_upright
from faceparse.frames.follow import Follower, Snapshot
from faceparse.frames.motion import move
from faceparse.frames.track import Track

EVERY = 5
"""Frames from one detection to the next while faces are followed; without a face, every frame is searched."""
CLEAR = 0.85
"""Least score of a face that is only followed; a face below it (turned aside, covered) is detected in every frame, as is
one that the border cuts off."""
FAR = 0.5
"""Distance, in sides of a face, after which it is detected again."""
CHANGED = 16.0
"""Difference from the last frame, 0 to 255, after which faces are detected again."""
TURNED = 60.0
"""Angle of a face in degrees above which the picture is turned before parsing."""
LOW_SCORE = 0.4
"""Least score of a detection; below `HIGH_SCORE` it only continues a track."""
THOROUGH, REDUCED, VISIBLE = 5, 640, 40.0
"""Detections from one search of the whole pyramid to the next while faces are followed; longer side of the picture for
those in between, and least size that the faces must have in it, in pixels."""


@dataclass(frozen=True)
class Step:
    """A frame whose faces are found.

    Attributes:
        image: The frame, RGB uint8, H × W × 3.
        time: Its time in seconds.
        turn: The turn in which its faces are upright.
        detected: Whether its faces were detected, not only followed.
        snapshot: What the follower knows of it; None if each frame is parsed by itself.
    """

    image: NDArray[np.uint8]
    time: float
    turn: Turn
    detected: bool
    snapshot: Snapshot | None


class Finder:
    """Finds the faces of frames, in order.

    Args:
        detector: The detector; None: no faces are detected.
        follower: Follows the faces from frame to frame.
    """

    def __init__(self, detector: Detector | None, follower: Follower) -> None:
        self._detector = self._quick = detector
        if type(detector) is YuNet:
            self._detector, self._quick = YuNet(LOW_SCORE), YuNet(LOW_SCORE, REDUCED)
        self._follower = follower
        self._turn: Turn | None = None
        self._since, self._moved, self._detections = 0, 0.0, 0

    def __call__(self, image: NDArray[np.uint8], time: float) -> Step:
        """Return the step of the next frame, RGB uint8, H × W × 3, at `time` in seconds."""
        self._follower.move(image, time)
        detected = self._detector is not None and self._is_due(image)
        if detected:
            self._detect(image)
        return Step(image, time, self._turn or Turn(0, image.shape[:2]), detected, self._follower.snapshot)

    def _is_due(self, image: NDArray[np.uint8]) -> bool:
        """Return whether faces must be detected in this frame."""
        follower = self._follower
        self._since += 1
        self._moved += max((_motion(track) for track in follower.tracks), default=0.0)
        return (
            follower.cut
            or follower.lost
            or follower.changed > CHANGED
            or self._moved > FAR
            or any(track.face.score < CLEAR or _is_cropped(track, image) for track in follower.tracks)
            or self._since >= EVERY
            or not follower.tracks
        )

    def _detect(self, image: NDArray[np.uint8]) -> None:
        assert self._detector is not None
        assert self._quick is not None
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


def _motion(track: Track) -> float:
    """Return how far a face moved since the last frame, in sides of its box."""
    if track.motion is None:
        return 0.0
    centre = np.array(track.face.centre)
    return float(np.linalg.norm(move(centre[None], track.motion)[0] - centre)) / track.face.size


def _is_cropped(track: Track, image: NDArray[np.uint8]) -> bool:
    """Return whether a face reaches beyond the picture."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = track.face.box
    return x0 < 0 or y0 < 0 or x1 > width or y1 > height
